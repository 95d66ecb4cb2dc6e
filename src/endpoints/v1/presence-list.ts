import type { CreateEndpoint, SessionCall } from '../route.ts';

/**
 * `GET /presence/list/{userId}` → presence events, and POST → `{}`: no homeserver keeps such lists any more.
 *
 * Differs: presence-lists-are-what-was-told
 */
export const createPresenceList: CreateEndpoint<SessionCall> =
  ({ presences }) =>
  ({ request, reply, params, session: { key, userId } }) => {
    reply.type('application/json');
    if (request.method === 'POST') return '{}';
    return JSON.stringify(params[0] === userId ? presences.toldTo(key) : []);
  };
