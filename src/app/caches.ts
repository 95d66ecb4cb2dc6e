import { createEventRooms, type EventRooms } from '../caches/event-rooms.ts';
import { createLostSends, type LostSends } from '../caches/lost-sends.ts';
import { createModernSessions, type ModernSessions } from '../caches/modern-sessions.ts';
import { createPresences, type Presences } from '../caches/presences.ts';
import { createSessions, type Sessions } from '../caches/sessions.ts';
import { shareOf, type CacheName } from '../caches/shares.ts';
import { createTransactions, type Transactions } from '../caches/transactions.ts';
import { createVisibilities, type Visibilities } from '../caches/visibility.ts';
import type { Config } from '../config/config.ts';
import { createBotSessions, type BotSessions } from '../endpoints/session/bot-sessions.ts';
import { privateIfRefused } from '../endpoints/streamed/visibility-wait.ts';
import { rememberPositions, type KnownPositions } from '../follow/known-positions.ts';
import type { ReadNow } from '../follow/now.ts';
import { createTypingMemory, type TypingMemory } from '../follow/repeated-typing.ts';
import { createRoomWatch, type RoomWatch } from '../follow/room-watch.ts';
import { createSessionCursors, type SessionCursors } from '../follow/session-cursors.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import type { JsonObject } from '../matrix/client-event.ts';
import type { Clock } from '../scheduling/clock.ts';

/** Everything that is remembered between requests, each with its share of `cache_size`. */
export interface Caches extends Record<CacheName, { readonly bytes: number }> {
  'session-cursors': SessionCursors;
  'event-rooms': EventRooms;
  sessions: Sessions;
  'modern-sessions': ModernSessions;
  presences: Presences;
  visibility: Visibilities;
  transactions: Transactions<JsonObject>;
  'lost-sends': LostSends;
  'bot-sessions': BotSessions;
  'room-watch': RoomWatch;
  'known-positions': KnownPositions;
  'repeated-typing': TypingMemory;
}

/** The calls by which caches ask the homeserver for what they do not have. */
interface CacheSources {
  homeserver: Pick<Homeserver, 'roomVisibility'>;
  readNow: ReadNow;
  watch: RoomWatch;
}

export function createCaches({ cacheSize }: Config, sources: CacheSources): Caches {
  const share = (name: CacheName) => ({ maxBytes: shareOf(name, cacheSize) });
  return {
    'session-cursors': createSessionCursors(share('session-cursors')),
    'event-rooms': createEventRooms(share('event-rooms')),
    sessions: createSessions(share('sessions')),
    'modern-sessions': createModernSessions(share('modern-sessions')),
    presences: createPresences(share('presences')),
    visibility: createVisibilities({
      ...share('visibility'),
      ask: (roomId) => sources.homeserver.roomVisibility(roomId).catch(privateIfRefused),
    }),
    transactions: createTransactions(share('transactions')),
    'lost-sends': createLostSends(share('lost-sends')),
    'bot-sessions': createBotSessions(share('bot-sessions')),
    'room-watch': sources.watch,
    'known-positions': rememberPositions(sources.readNow, share('known-positions')),
    'repeated-typing': createTypingMemory(share('repeated-typing')),
  };
}

/** The watch over rooms, which stands in front of the homeserver's port: it hears of the news that are made through it. */
export function createWatch({ cacheSize, peekFastestMs, peekSlowestMs }: Config, clock: Clock): RoomWatch {
  return createRoomWatch({
    maxBytes: shareOf('room-watch', cacheSize),
    clock,
    fastestMs: peekFastestMs,
    slowestMs: peekSlowestMs,
  });
}
