// What tuwunel, continuwuity and Conduit have in common: one counter numbers everything, and is the token.

import { MatrixError } from '../../../../src/matrix/errors.ts';
import type { EventId } from '../../../../src/matrix/identifiers.ts';
import type { ContextResponse, MessagesResponse, SyncResponse } from '../../../../src/matrix/sync.ts';
import { readLimit } from '../../../../src/matrix/query.ts';
import { toShownEvent } from '../../../../src/sandbox/messages.ts';
import type { Room } from '../../../../src/sandbox/room.ts';
import type { Call } from '../../../../src/sandbox/routes/route.ts';
import type { StoredEvent } from '../../../../src/sandbox/stored-event.ts';
import { parseFilter, readEventTest } from '../../../../src/sandbox/sync-filter.ts';
import { decodeToken } from '../../../../src/sandbox/tokens.ts';
import { isVisible, readAccess } from '../../../../src/sandbox/visibility.ts';
import { toForeignSync } from './foreign-sync.ts';
import type { Played } from './play.ts';

export interface CounterMessages {
  mostEvents: number;
  /** 403 for who may not read the room; else only each event is judged, and nothing may be left. */
  refuses: boolean;
  /** 400 for a `to` that is no number; else it is as if it were not there. */
  readsTo: boolean;
  /** The limit counts what the caller then does not see. */
  countsInvisible: boolean;
}

/**
 * `/messages` by arrival: `from` is exclusive both ways, and `to` nothing but a number that ends the page where an event
 * has it, and without that event. The end is the last event's number.
 *
 * @see docs/reference/homeservers.md#messages
 */
export function counterMessages(
  options: CounterMessages,
  { homeserver }: Played,
  call: Call,
): MessagesResponse {
  const { query, session, params } = call;
  const dir = query.get('dir');
  if (dir !== 'f' && dir !== 'b') throw new MatrixError(400, 'M_INVALID_PARAM', 'missing field `dir`');
  const from = readFrom(query, dir);
  const to = readTo(query, options);
  const limit = Math.min(readLimit(query, 10), options.mostEvents);
  const room = homeserver.rooms.get(params['roomId'] as Room['roomId']);
  if (options.refuses) readAccess(session.user, room, params['roomId'] ?? '');
  const start = String(from) as NonNullable<MessagesResponse['start']>;
  if (room === undefined) return { start, chunk: [] };

  const filter = query.get('filter');
  const passes = readEventTest(filter === null ? {} : parseFilter(filter));
  const isStranger = room.membership(session.user.userId) !== 'join';
  const isShown = (event: StoredEvent) => passes(event) && isVisible(event, room, session.user, isStranger);
  const beyond = eventsBeyond(room, from, dir);
  const stop = beyond.findIndex(({ stream }) => stream === to);
  const within = stop === -1 ? beyond : beyond.slice(0, stop);
  const page = options.countsInvisible
    ? within.slice(0, limit).filter(isShown)
    : within.filter(isShown).slice(0, limit);
  const last = page.at(-1);
  return {
    start,
    chunk: page.map((event) => toShownEvent(homeserver, room, session, event)),
    ...(last !== undefined && { end: String(last.stream) as typeof start }),
  };
}

function eventsBeyond({ timeline }: Room, from: number, dir: 'f' | 'b'): StoredEvent[] {
  if (dir === 'f') return timeline.byArrival.filter(({ stream }) => stream > from);
  return timeline.byArrival.filter(({ stream }) => stream < from).toReversed();
}

function readFrom(query: URLSearchParams, dir: 'f' | 'b'): number {
  const text = query.get('from') ?? '';
  if (text === '') return dir === 'f' ? 0 : Number.MAX_SAFE_INTEGER;
  if (!/^-?\d{1,19}$/.test(text)) throw new MatrixError(400, 'M_INVALID_PARAM', 'Invalid `from` parameter');
  return Number(text);
}

function readTo(query: URLSearchParams, { readsTo }: CounterMessages): number | undefined {
  const text = query.get('to') ?? '';
  if (/^-?\d{1,19}$/.test(text)) return Number(text);
  if (readsTo && text !== '') throw new MatrixError(400, 'M_INVALID_PARAM', 'Invalid `to` parameter');
  return undefined;
}

/** A `since` that is no number, as 0 is, means from the beginning. @see docs/reference/homeservers.md#sync */
export function readCounter(token: string | null): number | undefined {
  return /^[1-9]\d{0,14}$/.test(token ?? '') ? Number(token) : undefined;
}

/** The sandbox's answer with counters as tokens. */
export function toCounterSync({ homeserver }: Played, own: SyncResponse): SyncResponse {
  const before = (eventId: string) => String(homeserver.events.get(eventId as EventId)?.stream);
  return toForeignSync(own, { syncToken: String, before });
}

export function toCounterContext({ start, end, ...context }: ContextResponse): object {
  const streamOf = (token: string) => decodeToken(token, 'no token of the sandbox').stream;
  // Exclusive both ways: what is before an event is asked for from the event itself.
  return { ...context, start: start && String(streamOf(start) + 1), end: end && String(streamOf(end)) };
}
