// The routes of the old prefixes that are reshaped or refused, put up as the table says.

import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { answerPreflight } from '../../http/cors.ts';
import { legacyRoutes, type LegacyRoute, type V1Reshaper } from '../../passthrough/legacy-routes.ts';
import { closeSignal } from '../../http/send.ts';
import { unrecognized } from '../../matrix/errors.ts';
import { createAccounts } from './accounts.ts';
import { createBackfill } from './backfill.ts';
import { takeForms } from './body.ts';
import { createEmptyBody, hasSomeBody } from './empty-body.ts';
import { createEventLists } from './event-lists.ts';
import { createMoved } from './moved.ts';
import { createPresenceList } from './presence-list.ts';
import { createPublicRooms } from './public-rooms.ts';
import { createRoomActions } from './room-actions.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';
import { createSending } from './sending.ts';

/**
 * What of one old prefix is neither passed nor part of the stream, and preflights of everything below the two that no
 * homeserver has.
 */
export const v1: FastifyPluginAsync<V1EndpointOptions> = async (app, options) => {
  const endpoints: Record<V1Reshaper, V1Endpoint> = {
    accounts: createAccounts(options),
    sending: createSending(options),
    'empty-body': createEmptyBody(options),
    'room-actions': createRoomActions(options),
    'event-lists': createEventLists(options),
    'public-rooms': createPublicRooms(options),
    'presence-list': createPresenceList(options),
    backfill: createBackfill(options),
    moved: createMoved(options),
  };
  const isGone = options.oldPrefix !== 'r0';
  if (isGone) {
    takeForms(app);
    app.options('/*', answerPreflight);
  }
  for (const route of legacyRoutes) {
    const endpoint = endpointOf(route, endpoints);
    if (endpoint === undefined || !route.prefixes.includes(options.oldPrefix)) continue;
    const answer = (request: FastifyRequest, reply: FastifyReply) => {
      const params = Object.values(request.params as Record<string, string>);
      return endpoint({ route, request, reply, params, signal: closeSignal(reply.raw) });
    };
    app.route({
      method: [...route.methods],
      url: toPattern(route.path),
      exposeHeadRoute: false,
      // What is passed on keeps its body, which would be read before the handler.
      onRequest: async (request, reply) => {
        const isUnread = route.by === 'moved' || (route.by === 'empty-body' && hasSomeBody(request));
        if (isUnread) await answer(request, reply);
      },
      handler: async (request, reply) => answer(request, reply),
    });
  }
};

function endpointOf(
  { what, by, note }: LegacyRoute,
  endpoints: Record<V1Reshaper, V1Endpoint>,
): V1Endpoint | undefined {
  if (what === 'refuse') return () => Promise.reject(unrecognized(404, note));
  return by !== undefined && by in endpoints ? endpoints[by as V1Reshaper] : undefined;
}

/** `rooms/*` → `/rooms/:p1`: parameters by their place, so that they come in order. */
function toPattern(path: string): string {
  const segments = path.split('/').map((segment, i) => (segment === '*' ? `:p${i}` : segment));
  return `/${segments.join('/')}`;
}
