import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { EventRooms } from '../caches/event-rooms.ts';
import type { Presences } from '../caches/presences.ts';
import type { EventStream } from '../cursors/event-stream.ts';
import type { ReadNow } from '../cursors/now.ts';
import { readPosition } from '../cursors/read-position.ts';
import type { Homeserver } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import type { Clock } from '../http/clock.ts';
import { queryOf } from '../http/query.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';
import { mergeTimelines, type StreamUpdate } from '../translate/events.ts';
import { toLegacyInvite } from '../translate/invite.ts';
import { toLegacyEvent } from '../translate/legacy-event.ts';
import { readBotNow } from './bot-account.ts';
import type { BotSessions } from './bot-sessions.ts';
import { streamCatchUp, writeAnswer, type EventWriting } from './events-answer.ts';
import { readEventsQuery, type EventsQuery } from './events-query.ts';
import { readInviteNotifications } from './invite-notifications.ts';
import { holdLongPoll, type LongPoll } from './long-poll.ts';
import type { ParkedPolls } from './parked-polls.ts';
import { answerGet } from './route.ts';
import type { Session, SessionReader } from './session.ts';
import { checkSharedDevice, type SharedDeviceOptions } from './shared-device.ts';

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
 * @see matrix-spec data/api/client-server/old_sync.yaml (getEvents)
 * @see reference/native.md §2
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
    return sessions.withSession(session, () =>
      holdLongPoll({ request, reply, session, from, timeoutMs }, options, (poll) =>
        options.bots.withSyncOr<unknown>(
          session,
          () => getEvents(session, query, poll),
          () => waitWithoutSync(session, poll),
        ),
      ),
    );
  });

  async function getEvents(session: Session, query: EventsQuery, poll: LongPoll) {
    const { limit, isRaw } = query;
    const { patience, signal } = poll;
    const position = await readStart(session, poll);
    const start = poll.start ?? '';
    const delivery = await options.stream.follow(position, {
      session,
      token: start,
      limit,
      isRaw,
      patience,
      signal,
    });
    if (delivery.kind === 'quiet') return writeAnswer({ chunk: [], start, end: delivery.end });
    const writing: EventWriting = {
      onEvent: options.eventRooms.note,
      isRaw,
      nowMs: clock.now(),
    };
    if (delivery.kind === 'update') {
      const { update, end } = delivery;
      const roomEvents = mergeTimelines(update.rooms).map(({ event, roomId }) => {
        writing.onEvent(event.event_id, roomId);
        return toLegacyEvent(event, roomId, writing.nowMs, writing);
      });
      return writeAnswer({
        chunk: [...roomEvents, ...(await readRest(update, session, signal))],
        start,
        end,
      });
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
    return writeAnswer({ chunk: [], start: poll.start, end: poll.start });
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

  /** What is not room history: invites and knocks, presence, typing, receipts, account data. */
  async function readRest(
    { pendingRooms, ephemeral }: StreamUpdate,
    { caller, userId, key }: Session,
    signal: AbortSignal,
  ): Promise<LegacyEphemeralEvent[]> {
    options.presences.note(key, ephemeral);
    const invited = pendingRooms
      .filter(({ membership }) => membership === 'invite')
      .map(({ roomId }) => roomId);
    const notified = await readInviteNotifications({ homeserver, caller, userId, invited, signal });
    const invites = pendingRooms.map(({ roomId, strippedState, membership }) => {
      const notification = notified.get(roomId);
      return toLegacyInvite({
        roomId,
        inviteState: strippedState,
        membership,
        userId,
        notification,
        isInChunk: true,
        nowMs: clock.now(),
      }).invite;
    });
    return [...invites, ...ephemeral];
  }
};
