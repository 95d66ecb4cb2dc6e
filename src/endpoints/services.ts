import type { FastifyRequest } from 'fastify';
import type { EventRooms } from '../caches/event-rooms.ts';
import type { LostSends } from '../caches/lost-sends.ts';
import type { Presences } from '../caches/presences.ts';
import type { Transactions } from '../caches/transactions.ts';
import type { EventStream } from '../follow/event-stream.ts';
import type { Increments } from '../follow/held-bytes.ts';
import type { ReadNow } from '../follow/now.ts';
import type { PeekStream } from '../follow/peek-stream.ts';
import type { SessionCursors } from '../follow/session-cursors.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { JsonObject } from '../matrix/client-event.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { PassThrough } from '../passthrough/passthrough.ts';
import type { Clock } from '../scheduling/clock.ts';
import type { Turns } from '../scheduling/turns.ts';
import type { BotSessions } from './session/bot-sessions.ts';
import type { ParkedPolls } from './session/parked-polls.ts';
import type { Session, SessionReader } from './session/session.ts';
import type { VisibilityWait } from './streamed/visibility-wait.ts';

/**
 * Services are what endpoints work with. Each endpoint takes what it names; the only settings in here are those of a
 * service or a limit.
 */
export interface Services {
  clock: Clock;
  kind: () => Promise<HomeserverKind>;
  /** Whether the homeserver has simplified sliding sync. */
  hasSlidingSync: () => boolean;
  passThrough: PassThrough;

  sessions: SessionReader;
  /** Sessions of application services' own bots, which have no `/sync`. */
  bots: BotSessions;
  parkedPolls: ParkedPolls;
  /** Throws, or warns, where a modern client uses the device of a poll too: polls acknowledge to-device messages. */
  checkSharedDevice: (session: Session, request: FastifyRequest) => void;

  /** A user's whole stream, and that of one room. */
  stream: EventStream;
  peeks: PeekStream;
  readNow: ReadNow;
  cursors: SessionCursors;
  /** Counts what answers to `/events` hold of the homeserver's answers. */
  increments: Increments;

  eventRooms: EventRooms;
  presences: Presences;
  /** Finds the visibilities of one answer's rooms, and bounds how long the answer waits for them. */
  waitForVisibilities: (signal: AbortSignal) => VisibilityWait;
  /** One memory for all prefixes. */
  transactions: Transactions<JsonObject>;
  lostSends: LostSends;

  /** The turns at initial syncs, at reading a room's history, at the whole room directory, and at many calls for one answer. */
  initialSyncTurns: Turns;
  readTurns: Turns;
  directoryTurns: Turns;
  callTurns: Turns;

  /** Whether a request to v2_alpha's `/sync` means the shape that it had from November 2015 on. */
  meansModernSync: (request: FastifyRequest) => boolean;
  /** Room events in an answer of `/events` where the client names no limit. */
  eventsLimit: number;
  maxPollTimeoutMs: Milliseconds;
}
