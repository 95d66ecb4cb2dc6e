import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EventRooms } from '../../caches/event-rooms.ts';
import type { Presences } from '../../caches/presences.ts';
import type { Visibilities } from '../../caches/visibility.ts';
import { checkToken } from '../../tokens/read-position.ts';
import type { SessionCursors } from '../../follow/session-cursors.ts';
import { encodeRoomToken } from '../../tokens/own-tokens.ts';
import type { Caller, Homeserver } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { tokensGivenBy } from '../../homeserver/kinds/sync-token.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { queryOf } from '../../http/query.ts';
import { closeSignal } from '../../http/send.ts';
import type { Turns } from '../../scheduling/turns.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { checkDirection, readBoolean, readLimit } from '../../matrix/query.ts';
import { initialSyncFilter } from '../../translate/sync-filter.ts';
import { readBotNow, streamBotAccount } from '../session/bot-account.ts';
import type { BotSessions } from '../session/bot-sessions.ts';
import { writeInitialSync } from './initial-sync-answer.ts';
import type { InitialSyncQueue } from './initial-sync-queue.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import { answerGet } from '../session/route.ts';
import type { Session, SessionReader } from '../session/session.ts';
import { createSpool } from '../streamed/spool.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { createVisibilityWait } from '../streamed/visibility-wait.ts';

export interface InitialSyncOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  sessions: SessionReader;
  cursors: SessionCursors;
  eventRooms: EventRooms;
  presences: Presences;
  visibilities: Visibilities;
  visibilityTurns: Turns;
  queue: InitialSyncQueue;
  bots: BotSessions;
  clock: Clock;
  visibilityWaitMs: Milliseconds;
}

interface InitialSyncQuery {
  limit: number;
  archived: boolean;
  isRaw: boolean;
}

/** What one answer may hold back in memory. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/**
 * `GET /initialSync`: everything that a client needs at start, streamed while the homeserver's answer comes in.
 *
 * An answer that has begun and cannot be finished is cut, never closed: no client takes half an account for all of it.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (initialSync)
 * @see docs/reference/synapse-legacy.md#initial-sync
 */
export const initialSync: FastifyPluginAsync<InitialSyncOptions> = async (app, options) => {
  const { homeserver, sessions, cursors, clock, queue } = options;

  answerGet(app, '/initialSync', sessions, async (request, reply) => {
    const session = await sessions.sessionOf(request);
    if (session.isGuest) throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not allowed');
    const query = readInitialSyncQuery(queryOf(request), await options.kind());
    const leave = await queue.enter(session.key, request.signal);
    reply.raw.once('close', leave);
    return sessions
      .withSession(session, () => getInitialSync(session, query, request, reply))
      .catch((error: unknown) => {
        leave();
        throw error;
      });
  });

  async function getInitialSync(
    session: Session,
    query: InitialSyncQuery,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { key, caller, userId } = session;
    const signal = closeSignal(reply.raw);
    const visibility = createVisibilityWait({ ...options, budgetMs: options.visibilityWaitMs, signal });
    // Its rooms' visibilities are asked for while the homeserver is still at work on the long answer.
    homeserver.joinedRooms(caller, signal).then(visibility.askAhead, () => {});
    const filter = initialSyncFilter({ ...query, variant: cursors.initialSyncs(key) });
    const chunks = await options.bots.withSyncOr(
      session,
      () => homeserver.streamSync(caller, { filter, timeoutMs: 0, setPresence: 'offline' }, signal),
      () => readBotAccount(caller, query, signal),
    );
    const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
    reply.raw.once('close', () => void spool.close());
    const kind = await options.kind();
    const pieces = writeInitialSync({
      chunks,
      isSyncToken: tokensGivenBy(kind),
      spool,
      visibility,
      context: {
        userId,
        archived: query.archived,
        isRaw: query.isRaw,
        nowMs: clock.now(),
        ...(kind.ignoresTimelineLimit === true && { mostEvents: query.limit }),
        roomToken: (roomId, eventId, side) => encodeRoomToken({ roomId, eventId, side }),
        onEvent: (eventId, roomId) => options.eventRooms.note(eventId, roomId),
        onPresence: (event) => options.presences.note(key, [event]),
      },
      readInvites: (invited) => readInviteNotifications({ homeserver, caller, userId, invited, signal }),
    });
    // All of it was taken: the session's next initial sync asks anew.
    await replyWhileItComes(request, reply, pieces, { onSent: () => cursors.countInitialSync(key) });
  }

  async function readBotAccount(
    caller: Caller,
    { limit, isRaw }: InitialSyncQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer>> {
    const rooms = await homeserver.joinedRooms(caller, signal);
    const nextBatch = await readBotNow(rooms, caller, { ...options, signal });
    return streamBotAccount({ homeserver, caller, rooms, nextBatch, limit, isRaw, signal });
  }
};

/** `from`, `to` and `dir` are read as natively: what is in them does not matter, unless it is wrong. */
function readInitialSyncQuery(query: URLSearchParams, kind: HomeserverKind): InitialSyncQuery {
  for (const name of ['from', 'to'] as const) checkToken(name, query.get(name) ?? '', kind);
  checkDirection(query);
  return { limit: readLimit(query, 10), archived: readBoolean(query, 'archived'), isRaw: query.has('raw') };
}
