import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/**
 * `GET /presence/list/{userId}` → `[]`, and POST → `{}`: no homeserver keeps such lists any more.
 *
 * Differs: presence lists are always empty. Natively 404 since 2019, which stops clients that start with them; the
 * presence of everybody in sight comes with `/initialSync` and `/events`.
 */
export function createPresenceList({ sessions }: V1EndpointOptions): V1Endpoint {
  return async ({ request, reply }) => {
    await sessions.sessionOf(request);
    reply.type('application/json');
    return request.method === 'POST' ? '{}' : '[]';
  };
}
