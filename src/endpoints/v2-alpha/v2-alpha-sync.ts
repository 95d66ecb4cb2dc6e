import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EventRooms } from '../../caches/event-rooms.ts';
import type { Presences } from '../../caches/presences.ts';
import type { Visibilities } from '../../caches/visibility.ts';
import { resolveForSync } from '../../tokens/resolve-token.ts';
import type { SessionCursors } from '../../follow/session-cursors.ts';
import { encodeRoomToken, isOwnToken } from '../../tokens/own-tokens.ts';
import type { SyncQuery } from '../../homeserver/homeserver.ts';
import { tokensGivenBy } from '../../homeserver/kinds/sync-token.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { queryOf } from '../../http/query.ts';
import { toRawPath } from '../../http/raw-url.ts';
import { closeSignal } from '../../http/send.ts';
import type { Turns } from '../../scheduling/turns.ts';
import { HomeserverError, MatrixError } from '../../matrix/errors.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import type { Milliseconds, SyncToken } from '../../matrix/identifiers.ts';
import { v2AlphaFilterText } from '../../translate/sync-filter.ts';
import { withTimelineLimit } from '../../translate/v2-alpha-filter.ts';
import type { InitialSyncQueue } from '../initial-sync/initial-sync-queue.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import { Released, waitForPlace, type ParkedPolls } from '../session/parked-polls.ts';
import { answerGet } from '../session/route.ts';
import type { Session } from '../session/session.ts';
import { checkSharedDevice, type SharedDeviceOptions } from '../session/shared-device.ts';
import { createSpool } from '../streamed/spool.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import type { SyncPassOptions } from '../sync/sync-pass.ts';
import {
  createV2AlphaModernSync,
  meansModernSync,
  type V2AlphaShapeOptions,
} from './v2-alpha-modern-sync.ts';
import { writeV2AlphaSync, type V2AlphaSyncAnswerOptions } from './v2-alpha-sync-answer.ts';
import { readV2AlphaSyncQuery, type V2AlphaSyncQuery } from './v2-alpha-sync-query.ts';
import { createVisibilityWait } from '../streamed/visibility-wait.ts';

export interface V2AlphaSyncOptions extends SharedDeviceOptions, SyncPassOptions, V2AlphaShapeOptions {
  cursors: SessionCursors;
  eventRooms: EventRooms;
  presences: Presences;
  visibilities: Visibilities;
  visibilityTurns: Turns;
  queue: InitialSyncQueue;
  parkedPolls: ParkedPolls;
  clock: Clock;
  visibilityWaitMs: Milliseconds;
  maxPollTimeoutMs: Milliseconds;
}

/** What one answer may hold back in memory. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/**
 * `GET /sync` of v2_alpha: the modern `/sync` as the drafts of 2015 had it, streamed while the homeserver's comes in; for
 * who means the shape of the years after them, r0's.
 *
 * `next_batch` is the homeserver's own, so a client may go on from it in either draft, in the modern `/sync`, and in
 * `/events`. A poll that is released (a later one took its place, or the gateway drains) is answered with nothing new and
 * its own token.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const v2AlphaSync: FastifyPluginAsync<V2AlphaSyncOptions> = async (app, options) => {
  const { homeserver, sessions, cursors, queue, parkedPolls } = options;
  const passModern = createV2AlphaModernSync(options);

  answerGet(app, '/sync', sessions, async (request, reply) => {
    if (meansModernSync(request, options)) return passModern(request, reply, request.raw.url ?? '');
    const session = await sessions.sessionOf(request);
    const query = readV2AlphaSyncQuery(queryOf(request), options.maxPollTimeoutMs);
    return sessions.withSession(session, () =>
      query.since === undefined
        ? getWholeAccount(session, query, request, reply)
        : poll(session, { ...query, since: query.since }, request, reply),
    );
  });

  async function getWholeAccount(
    session: Session,
    query: V2AlphaSyncQuery,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const signal = closeSignal(reply.raw);
    const leave = await queue.enter(session.key, signal);
    reply.raw.once('close', leave);
    const { setPresence } = query;
    // An answer that was given whole is not given again: the timeout means nothing here, and tells them apart.
    const timeoutMs = cursors.initialSyncs(session.key);
    const pieces = await ask(session, query, { timeoutMs, setPresence }, reply, signal);
    await replyWhileItComes(request, reply, pieces, { onSent: () => cursors.countInitialSync(session.key) });
  }

  async function poll(
    session: Session,
    query: V2AlphaSyncQuery & { since: string },
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    checkSharedDevice(session, request, options);
    const place = parkedPolls.park(session.key);
    reply.raw.once('close', place.leave);
    const signal = AbortSignal.any([closeSignal(reply.raw), place.signal]);
    const { setPresence, fullState } = query;
    const onFirst = place.leave;
    try {
      const since = await readSince(query.since, session, signal);
      const timeoutMs = await waitForPlace(place, query.timeoutMs, options.clock, signal);
      const pieces = await ask(session, query, { since, timeoutMs, setPresence, fullState }, reply, signal);
      await replyWhileItComes(request, reply, pieces, { onFirst });
    } catch (error) {
      if (!(error instanceof Released)) throw error;
      await replyWhileItComes(
        request,
        reply,
        // The client's own token, which may be one of ours.
        write(session, query, { chunks: nothingSince(query.since), isSyncToken: () => true }, reply, signal),
      );
    }
  }

  /** Asks the homeserver, and translates while it answers. */
  async function ask(
    session: Session,
    query: V2AlphaSyncQuery,
    modern: Omit<SyncQuery, 'filter'>,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<Buffer, void>> {
    const { caller } = session;
    const filter = await toFilterText(query, session, signal);
    const chunks = await homeserver
      .streamSync(caller, { ...modern, filter }, signal)
      .catch((error: unknown) => {
        if (query.filter === undefined || !isUnknownFilter(error)) throw error;
        return homeserver.streamSync(caller, { ...modern, filter: toOwnFilter(query, {}) }, signal);
      });
    return write(session, query, { chunks, isSyncToken: tokensGivenBy(await options.kind()) }, reply, signal);
  }

  function write(
    { caller, userId, key }: Session,
    { draft }: V2AlphaSyncQuery,
    answer: Pick<V2AlphaSyncAnswerOptions, 'chunks' | 'isSyncToken'>,
    reply: FastifyReply,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
    reply.raw.once('close', () => void spool.close());
    return writeV2AlphaSync({
      ...answer,
      spool,
      visibility: createVisibilityWait({ ...options, budgetMs: options.visibilityWaitMs, signal }),
      context: {
        draft,
        userId,
        nowMs: options.clock.now(),
        roomToken: (roomId, eventId, side) => encodeRoomToken({ roomId, eventId, side }),
        onEvent: (eventId, roomId) => options.eventRooms.note(eventId, roomId),
        onPresence: (event) => options.presences.note(key, [event]),
      },
      readInvites: (invited) => readInviteNotifications({ homeserver, caller, userId, invited, signal }),
    });
  }

  async function readSince(text: string, { caller }: Session, signal: AbortSignal): Promise<SyncToken> {
    const kind = await options.kind();
    if (kind.isSyncToken(text)) return text as SyncToken;
    const context = { homeserver, kind, caller, signal };
    const since = isOwnToken(text) ? await resolveForSync(text, context) : kind.toSyncToken(text);
    if (since === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return since;
  }

  /** A client's filter is sent as it is, unless draft A's limit must be put into it. */
  async function toFilterText(
    query: V2AlphaSyncQuery,
    { caller, userId }: Session,
    signal: AbortSignal,
  ): Promise<string> {
    const { filter } = query;
    if (filter === undefined) return toOwnFilter(query, {});
    if (query.limit === undefined) return filter;
    if (filter.startsWith('{')) return toOwnFilter(query, parseFilter(filter));
    const path = toRawPath('user', userId, 'filter', filter);
    const known = await homeserver
      .request(caller, { method: 'GET', path }, signal)
      .catch((error: unknown) => {
        if (isUnknownFilter(error)) return {};
        throw error;
      });
    return toOwnFilter(query, known);
  }
};

function toOwnFilter({ limit }: V2AlphaSyncQuery, filter: JsonObject): string {
  return v2AlphaFilterText(limit === undefined ? filter : withTimelineLimit(filter, limit));
}

function parseFilter(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'Invalid filter JSON');
  }
}

/** In the drafts an unknown filter was silently none. */
function isUnknownFilter(error: unknown): boolean {
  if (!(error instanceof HomeserverError)) return false;
  return error.status === 404 || (error.status === 400 && error.errcode === 'M_INVALID_PARAM');
}

async function* nothingSince(token: string): AsyncGenerator<Buffer> {
  yield Buffer.from(JSON.stringify({ next_batch: token }));
}
