// What the tests of endpoints have in common that stream an answer while the homeserver's comes in.

import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createEventRooms } from '../../src/caches/event-rooms.ts';
import { createPresences } from '../../src/caches/presences.ts';
import { createSessions } from '../../src/caches/sessions.ts';
import { createVisibilities } from '../../src/caches/visibility.ts';
import type { Services } from '../../src/endpoints/services.ts';
import { createSessionReader } from '../../src/endpoints/session/session.ts';
import { createVisibilityWait } from '../../src/endpoints/streamed/visibility-wait.ts';
import { createSessionCursors } from '../../src/follow/session-cursors.ts';
import { synapse } from '../../src/homeserver/kinds/synapse.ts';
import { systemClock } from '../../src/scheduling/clock.ts';
import { createTurns } from '../../src/scheduling/turns.ts';
import type { FakeHomeserver } from './fake-homeserver.ts';

/** The header of the one session that asks in these tests. */
export const authorization = 'Bearer token';

/** The services that such an endpoint needs, in front of a homeserver; beside them what the tests look into. */
export function streamedServices(homeserver: FakeHomeserver) {
  const maxBytes = 1 << 16;
  const clock = systemClock;
  const identities = createSessions({ maxBytes });
  const eventRooms = createEventRooms({ maxBytes });
  const visibilities = createVisibilities({ maxBytes, ask: homeserver.roomVisibility });
  const visibilityTurns = createTurns({ most: 16, mostOfOne: 4 });
  const services = {
    kind: async () => synapse,
    sessions: createSessionReader({ homeserver, sessions: identities, forwardedOf: () => ({}) }),
    cursors: createSessionCursors({ maxBytes }),
    eventRooms,
    presences: createPresences({ maxBytes }),
    waitForVisibilities: (signal: AbortSignal) =>
      createVisibilityWait({ visibilities, visibilityTurns, clock, budgetMs: 2000, signal }),
    clock,
  } satisfies Partial<Services>;
  return { services, identities, eventRooms };
}

/** A request over a socket of its own; resolves as soon as the answer's head is there. */
export async function requestOverSocket(
  app: FastifyInstance,
  path: string,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const options = { port, path, headers: { authorization }, agent: false, ...(signal && { signal }) };
  return new Promise((resolve, reject) => {
    get(options, resolve).on('error', reject);
  });
}

/** The body as far as it came, and whether it came to its end. */
export async function readToEnd(answer: IncomingMessage): Promise<{ text: string; isWhole: boolean }> {
  let text = '';
  try {
    for await (const chunk of answer) text += String(chunk);
    return { text, isWhole: answer.complete };
  } catch {
    return { text, isWhole: false };
  }
}
