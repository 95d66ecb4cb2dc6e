import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EventRooms } from '../../caches/event-rooms.ts';
import type { Presences } from '../../caches/presences.ts';
import type { EventStream } from '../../follow/event-stream.ts';
import type { AnswerMemory, Increments } from '../../follow/held-bytes.ts';
import type { ReadNow } from '../../follow/now.ts';
import { checkToken, readPosition } from '../../tokens/read-position.ts';
import { isOwnToken } from '../../tokens/own-tokens.ts';
import type { Homeserver } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import type { Clock } from '../../scheduling/clock.ts';
import { loopBudget } from '../../scheduling/loop-budget.ts';
import { queryOf } from '../../http/query.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { EphemeralEvent } from '../../matrix/client-event.ts';
import type { StreamUpdate, WrittenEphemeral } from '../../translate/events.ts';
import { toLegacyInvite } from '../../translate/invite.ts';
import { readBotNow } from '../session/bot-account.ts';
import type { BotSessions } from '../session/bot-sessions.ts';
import { answerUpdate, streamCatchUp, type EventWriting } from './events-answer.ts';
import { readEventsQuery, type EventsQuery } from './events-query.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import { holdLongPoll, type LongPoll } from './long-poll.ts';
import type { ParkedPolls } from '../session/parked-polls.ts';
import { answerGet } from '../session/route.ts';
import type { Session, SessionReader } from '../session/session.ts';
import { checkSharedDevice, type SharedDeviceOptions } from '../session/shared-device.ts';

export interface EventsOptions extends SharedDeviceOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  stream: EventStream;
  readNow: ReadNow;
  sessions: SessionReader;
  parkedPolls: ParkedPolls;
  bots: BotSessions;
  eventRooms: EventRooms;
  presences: Presences;
  increments: Increments;
  clock: Clock;
  /** Room events in an answer where the client names no limit. */
  eventsLimit: number;
  maxPollTimeoutMs: Milliseconds;
  /** Answers `?room_id=`, which is another endpoint at the same path. */
  peekEvents: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/**
 * `GET /events`: the long poll of a user's whole stream.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (getEvents)
 * @see docs/reference/synapse-legacy.md#get-events
 */
export const events: FastifyPluginAsync<EventsOptions> = async (app, options) => {
  const { homeserver, sessions, clock } = options;

  answerGet(app, '/events', sessions, async (request, reply) => {
    if ((queryOf(request).get('room_id') ?? '') !== '') return options.peekEvents(request, reply);
    const session = await sessions.sessionOf(request);
    if (session.isGuest) throw new MatrixError(400, 'M_UNKNOWN', 'Guest users must specify room_id param');
    const query = readEventsQuery(queryOf(request), options);
    checkSharedDevice(session, request, options);
    const { from, timeoutMs } = query;
    const memory = options.increments.open();
    reply.raw.once('close', memory.release);
    return sessions.withSession(session, () =>
      holdLongPoll({ request, reply, session, from, timeoutMs }, options, (poll) =>
        options.bots.withSyncOr<unknown>(
          session,
          () => getEvents(session, query, poll, memory),
          () => waitWithoutSync(session, poll),
        ),
      ),
    );
  });

  /**
   * A catch-up may go on from memory alone: it is read while the homeserver is asked whose token it is now, and nothing of
   * it leaves before that is known.
   */
  async function getEvents(given: Session, query: EventsQuery, poll: LongPoll, memory: AnswerMemory) {
    if (!isOwnToken(poll.start ?? '')) return readEvents(given, query, poll, memory);
    const ended = new AbortController();
    const signal = AbortSignal.any([poll.signal, ended.signal]);
    const asked = poll.patience.outlast(() => sessions.confirm(given, poll.signal));
    const early = readEvents(given, query, { ...poll, signal }, memory);
    early.catch(() => {});
    try {
      const session = await asked;
      if (session.key === given.key) return await early;
      ended.abort();
      return await readEvents(session, query, poll, memory);
    } catch (error) {
      ended.abort();
      throw error;
    }
  }

  async function readEvents(session: Session, query: EventsQuery, poll: LongPoll, memory: AnswerMemory) {
    const { limit, isRaw } = query;
    const { patience, signal } = poll;
    // A poll that waits for its place is looked at twice.
    memory.release();
    if (query.to !== undefined) checkToken('to', query.to, await patience.outlast(options.kind));
    const position = await readStart(session, poll);
    const start = poll.start ?? '';
    const delivery = await options.stream.follow(position, {
      session,
      token: start,
      limit,
      isRaw,
      patience,
      memory,
      signal,
    });
    if (delivery.kind === 'quiet') return poll.quiet(delivery.end);
    const writing: EventWriting = {
      onEvent: options.eventRooms.note,
      isRaw,
      nowMs: clock.now(),
    };
    if (delivery.kind === 'update') {
      const { update, end } = delivery;
      const rest = await readRest(update, session, signal);
      return answerUpdate(start, { rooms: update.rooms, rest, end }, writing);
    }
    const { firstUpdate, steps } = delivery;
    const rest = firstUpdate === undefined ? [] : await readRest(firstUpdate, session, signal);
    return streamCatchUp(start, steps, rest, writing);
  }

  /**
   * Waits, and tells nothing: where the homeserver has no `/sync` for a session.
   *
   * Differs: to the own bot of an application service nothing comes. Natively it is a 500 as soon as something happens.
   */
  async function waitWithoutSync({ caller }: Session, poll: LongPoll): Promise<unknown> {
    const { patience, signal } = poll;
    if (poll.start === undefined) {
      const rooms = await homeserver.joinedRooms(caller, signal);
      poll.start = await readBotNow(rooms, caller, { ...options, signal });
    } else await readPosition(poll.start, { homeserver, kind: await options.kind(), caller, signal });
    await clock.sleep(patience.leftMs(), signal);
    return poll.quiet(poll.start);
  }

  async function readStart({ caller }: Session, poll: LongPoll) {
    const { patience, signal, start } = poll;
    if (start !== undefined) {
      const kind = await patience.outlast(options.kind);
      return readPosition(start, { homeserver, kind, caller, signal });
    }
    const syncToken = await patience.outlast(() =>
      options.readNow(caller, { setPresence: 'online', signal }),
    );
    poll.start = syncToken;
    return { syncToken };
  }

  /** What is not room history, as JSON: invites and knocks, presence, typing, receipts, account data. */
  async function readRest(
    { pendingRooms, ephemeral }: StreamUpdate,
    { caller, userId, key }: Session,
    signal: AbortSignal,
  ): Promise<Buffer[]> {
    await notePresences(key, ephemeral);
    const invited = pendingRooms
      .filter(({ membership }) => membership === 'invite')
      .map(({ roomId }) => roomId);
    const notified = await readInviteNotifications({ homeserver, caller, userId, invited, signal });
    const invites = pendingRooms.map(({ roomId, strippedState, membership }) => {
      const notification = notified.get(roomId);
      const { invite } = toLegacyInvite({
        roomId,
        inviteState: strippedState,
        membership,
        userId,
        notification,
        isInChunk: true,
        nowMs: clock.now(),
      });
      return Buffer.from(JSON.stringify(invite));
    });
    return [...invites, ...ephemeral.map(({ bytes }) => bytes)];
  }

  async function notePresences(key: Session['key'], ephemeral: readonly WrittenEphemeral[]): Promise<void> {
    const told = ephemeral.filter(({ type }) => type === 'm.presence');
    for (let at = 0; at < told.length; at += PRESENCES_AT_A_TIME) {
      const some = told.slice(at, at + PRESENCES_AT_A_TIME);
      await loopBudget.turnFor(some.reduce((sum, { bytes }) => sum + bytes.length, 0));
      options.presences.note(
        key,
        some.map(({ bytes }) => JSON.parse(bytes.toString()) as EphemeralEvent),
      );
    }
  }
};

/** So that nobody waits while thousands are remembered. */
const PRESENCES_AT_A_TIME = 1000;
