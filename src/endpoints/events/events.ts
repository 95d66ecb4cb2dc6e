import type { AnswerMemory } from '../../follow/held-bytes.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { Account } from '../../homeserver/homeserver.ts';
import { queryOf } from '../../http/query.ts';
import { isOwnToken } from '../../tokens/own-tokens.ts';
import { checkToken, readPosition } from '../../tokens/read-position.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { readBotNow } from '../session/bot-account.ts';
import { answerUpdate, streamCatchUp, type EventWriting } from './events-answer.ts';
import { readEventsQuery, type EventsQuery } from './events-query.ts';
import { readRest } from './stream-rest.ts';
import { holdLongPoll, type LongPoll, type PollStart } from './long-poll.ts';

/**
 * `GET /events`: the long poll of a user's whole stream.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (getEvents)
 * @see docs/reference/synapse-legacy.md#get-events
 */
export const createGetEvents: CreateEndpoint<SessionCall> = (services) => {
  const { sessions, clock } = services;

  /**
   * A catch-up may go on from memory alone: it is read while the homeserver is asked whose token it is now, and nothing of
   * it leaves before that is known.
   */
  async function getEvents(query: EventsQuery, poll: LongPoll, memory: AnswerMemory) {
    if (!isOwnToken(query.from ?? '')) return readEvents(query, poll, memory);
    const { session: given } = poll;
    const ended = new AbortController();
    const account = given.account.until(AbortSignal.any([given.account.signal, ended.signal]));
    const asked = poll.retryBudget.retryUntilDeadline(() => sessions.confirm(given));
    const early = readEvents(query, { ...poll, session: { ...given, account } }, memory);
    early.catch(() => {});
    try {
      const session = await asked;
      if (session.key === given.key) return await early;
      ended.abort();
      return await readEvents(query, { ...poll, session }, memory);
    } catch (error) {
      ended.abort();
      throw error;
    }
  }

  async function readEvents(query: EventsQuery, poll: LongPoll, memory: AnswerMemory) {
    const { limit, isRaw } = query;
    const { session, retryBudget } = poll;
    // A poll that waits for its place is looked at twice.
    memory.release();
    if (query.to !== undefined)
      checkToken('to', query.to, await retryBudget.retryUntilDeadline(services.kind));
    const start = await poll.startAt(() => readStart(query.from, poll));
    const delivery = await services.stream.follow(start.position, {
      session,
      token: start.token,
      limit,
      isRaw,
      retryBudget,
      memory,
    });
    if (delivery.tells === 'quiet') return poll.quiet(delivery.end);
    const writing: EventWriting = {
      onEvent: services.eventRooms.note,
      isRaw,
      nowMs: clock.now(),
    };
    if (delivery.tells === 'update') {
      const { update, end } = delivery;
      const rest = await readRest(update, session, services);
      return answerUpdate(start.token, { rooms: update.rooms, rest, end }, writing);
    }
    const { firstUpdate, steps } = delivery;
    const rest = firstUpdate === undefined ? [] : await readRest(firstUpdate, session, services);
    return streamCatchUp(start.token, steps, rest, writing);
  }

  /**
   * Waits, and tells nothing: where the homeserver has no `/sync` for a session.
   *
   * Differs: bots-have-no-stream
   */
  async function waitWithoutSync(from: string | undefined, poll: LongPoll): Promise<unknown> {
    const start = await poll.startAt(() => readBotStart(from, poll.session.account));
    await clock.sleep(poll.retryBudget.leftMs(), poll.session.account.signal);
    return poll.quiet(start.token);
  }

  async function readBotStart(from: string | undefined, account: Account): Promise<PollStart> {
    const kind = await services.kind();
    if (from !== undefined) return { token: from, position: await readPosition(from, { account, kind }) };
    const syncToken = await readBotNow(await account.joinedRooms(), account, kind);
    return { token: syncToken, position: { syncToken } };
  }

  async function readStart(
    from: string | undefined,
    { session: { account }, retryBudget }: LongPoll,
  ): Promise<PollStart> {
    if (from !== undefined) {
      const kind = await retryBudget.retryUntilDeadline(services.kind);
      return { token: from, position: await readPosition(from, { account, kind }) };
    }
    const syncToken = await retryBudget.retryUntilDeadline(() =>
      services.readNow(account, { setPresence: 'online' }),
    );
    return { token: syncToken, position: { syncToken } };
  }

  return async (call) => {
    const { request, reply, session } = call;
    const query = readEventsQuery(queryOf(request), services);
    services.checkSharedDevice(session, request);
    const memory = services.increments.open();
    reply.raw.once('close', memory.release);
    return holdLongPoll(call, query, services, (poll) =>
      services.bots.withSyncOr<unknown>(
        session,
        () => getEvents(query, poll, memory),
        () => waitWithoutSync(query.from, poll),
      ),
    );
  };
};

/** Makes the error for a guest who follows no room. */
export const guestsMustNameRoom = (): MatrixError =>
  new MatrixError(400, 'M_UNKNOWN', 'Guest users must specify room_id param');
