import type { FastifyRequest } from 'fastify';
import type { MessagesQuery } from '../../homeserver/homeserver.ts';
import { queryOf, withQueryParameter } from '../../http/query.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { MessagesToken, RoomId } from '../../matrix/identifiers.ts';
import { encodeRoomToken, isOwnToken } from '../../tokens/own-tokens.ts';
import { BEFORE_ALL, resolveForMessages } from '../../tokens/resolve-token.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import type { Call, Endpoint } from '../route.ts';
import type { Services } from '../services.ts';
import type { Session } from '../session/session.ts';
import { createSpool } from '../streamed/spool.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { writeFilledPage } from './filled-page.ts';

/** How much a prefix's answers differ from the homeserver's. */
export interface PageForm {
  /**
   * Whether short pages are filled and `END` is understood: for the prefixes of clients that take one for the end of history,
   * and the other for the newest place.
   */
  fillsPages: boolean;
  /** Whether the events of such pages are given the shape of 2014. */
  hasLegacyEvents: boolean;
}

/** Homeservers give no more, whatever they are asked for. */
const MOST_EVENTS = 1000;

/** The `state` of a page may hold back so much in memory. */
const MOST_HELD_BYTES = 1024 * 1024;

/**
 * `GET /rooms/{roomId}/messages`: the homeserver's own, with two additions. Tokens of ours are understood in `from` and
 * `to`; and under the old prefixes a page that came short is filled up to `limit` from the ones behind it, and
 * under the oldest two its events are legacy ones.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/message_pagination.yaml
 * @see docs/reference/clients.md#matrix-js-sdk-02-and-03
 */
export function createMessages(services: Services, { fillsPages, hasLegacyEvents }: PageForm): Endpoint {
  const { kind, sessions, readNow, passThrough, clock } = services;

  async function getFilledPage(
    { account }: Session,
    roomId: RoomId,
    query: MessagesQuery,
    { request, reply }: Call,
  ): Promise<void> {
    const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
    reply.raw.once('close', () => void spool.close());
    const side = query.dir === 'b' ? 'before' : 'after';
    const page = writeFilledPage({
      account,
      roomId,
      query,
      ...(hasLegacyEvents && { legacy: new LegacyEventBytes(roomId, clock.now()) }),
      repeatsCreation: (await kind()).repeatsCreation === true,
      tokenBeyond: (eventId) => encodeRoomToken({ roomId, eventId, side }),
      spool,
      clock,
    });
    await replyWhileItComes(request, reply, page);
  }

  /** The URL with tokens of the homeserver's; undefined where nothing can lie beyond ours. */
  async function resolveTokens({ request, signal }: Call, roomId: RoomId): Promise<string | undefined> {
    let rawUrl = request.raw.url ?? '';
    for (const name of ['from', 'to']) {
      const token = queryOf(request).get(name) ?? '';
      if (token === 'END' && fillsPages) rawUrl = await resolveEnd(request, roomId, rawUrl, name, signal);
      if (!isOwnToken(token)) continue;
      const { account } = await sessions.sessionOf(request, signal);
      const isBackwards = name === 'from' && queryOf(request).get('dir') === 'b';
      const context = { account, kind: await kind(), isBackwards };
      const resolved = await resolveForMessages(token, roomId, context);
      if (resolved === undefined) throw new MatrixError(400, 'M_UNKNOWN', `'${name}' parameter is invalid`);
      const isBeforeAll = resolved === BEFORE_ALL;
      if (isBeforeAll && isBackwards) return undefined;
      rawUrl = withQueryParameter(rawUrl, name, isBeforeAll ? undefined : (resolved ?? undefined));
    }
    return rawUrl;
  }

  /**
   * `END`, the word of 2014 for *now*, which Synapse alone still understands: backwards from it is what a page without
   * `from` begins with, and forwards up to it what one without `to` ends with.
   *
   * @see docs/reference/clients.md#more-clients-through-hindsync (Net::Async::Matrix, a lua client)
   */
  async function resolveEnd(
    request: FastifyRequest,
    roomId: RoomId,
    rawUrl: string,
    name: string,
    signal: AbortSignal,
  ): Promise<string> {
    const isBackwards = queryOf(request).get('dir') === 'b';
    if (isBackwards === (name === 'from')) return withQueryParameter(rawUrl, name, undefined);
    const { account } = await sessions.sessionOf(request, signal);
    const now = await readNow(account, { setPresence: 'offline', roomId });
    return withQueryParameter(rawUrl, name, now);
  }

  return async (call) => {
    const { request, reply } = call;
    const roomId = call.params[0] as RoomId;
    const rawUrl = await resolveTokens(call, roomId);
    if (rawUrl === undefined) return { chunk: [], start: queryOf(request).get('from') };
    const query = fillsPages ? readFillable(queryOf({ raw: { url: rawUrl } })) : undefined;
    if (query === undefined) return passThrough(request, reply, { rawUrl });
    const session = await sessions.sessionOf(request, call.signal);
    await sessions.withSession(session, () => getFilledPage(session, roomId, query, call));
    return reply;
  };
}

/** The query of a page that may be filled; undefined where it is not plain, so that the homeserver says what is wrong. */
function readFillable(query: URLSearchParams): MessagesQuery | undefined {
  const dir = query.get('dir') ?? 'f';
  const limit = Number(query.get('limit') ?? 10);
  if ((dir !== 'b' && dir !== 'f') || !Number.isInteger(limit) || limit < 1) return undefined;
  const [from, to, filter] = ['from', 'to', 'filter'].map((name) => query.get(name) ?? undefined);
  return {
    dir,
    limit: Math.min(limit, MOST_EVENTS),
    ...(from !== undefined && { from: from as MessagesToken }),
    ...(to !== undefined && { to: to as MessagesToken }),
    ...(filter !== undefined && { filter }),
  };
}
