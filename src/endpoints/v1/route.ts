import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LostSends } from '../../caches/lost-sends.ts';
import type { Presences } from '../../caches/presences.ts';
import type { Transactions } from '../../caches/transactions.ts';
import type { Homeserver } from '../../homeserver/homeserver.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { Turns } from '../../scheduling/turns.ts';
import type { LegacyRoute, OldPrefix } from '../../passthrough/legacy-routes.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import type { PassThrough } from '../../passthrough/passthrough.ts';
import type { SessionReader } from '../session/session.ts';

/** What answers the routes that say `by` its name in the table. */
export type V1Endpoint = (call: V1Call) => Promise<unknown> | unknown;

export interface V1Call {
  route: LegacyRoute;
  request: FastifyRequest;
  reply: FastifyReply;
  /** What stands for the stars of the route, unescaped, in order. */
  params: readonly string[];
  /** Aborts when the client leaves. `request.signal` does not do: it aborts when a body was read. */
  signal: AbortSignal;
}

export interface V1EndpointOptions {
  oldPrefix: OldPrefix;
  homeserver: Homeserver;
  sessions: SessionReader;
  passThrough: PassThrough;
  clock: Clock;
  presences: Presences;
  /** The turns at reading the whole room directory. */
  directoryTurns: Turns;
  /** One memory for all prefixes. */
  transactions: Transactions<JsonObject>;
  lostSends: LostSends;
}
