import { readNewestPlace } from '../../follow/now.ts';
import type { Account } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { toRawPath } from '../../http/raw-url.ts';
import { isRefusal, MatrixError } from '../../matrix/errors.ts';
import type { RoomId, SyncToken } from '../../matrix/identifiers.ts';
import { JsonReader } from '../../stream/json-reader.ts';
import { messagesFilter } from '../../translate/sync-filter.ts';
import { PAGE_LIMIT } from '../../homeserver/messages-page.ts';

export interface BotAccount {
  account: Account;
  rooms: readonly RoomId[];
  nextBatch: SyncToken;
  /** Newest events of each room. */
  limit: number;
  isRaw: boolean;
}

/** *Now* for a caller without `/sync`: the newest place in one of its rooms. Throws 404 where nothing tells one. */
export async function readBotNow(
  rooms: readonly RoomId[],
  account: Account,
  kind: HomeserverKind,
): Promise<SyncToken> {
  for (const roomId of rooms) {
    const place = await readNewestPlace(account, roomId, kind).catch(undefinedIfRefused);
    if (place !== undefined) return place;
  }
  throw new MatrixError(404, 'M_NOT_FOUND', 'The bot is in no room, and has no position without one');
}

/**
 * The answer that `/sync` would give for the joined rooms of a caller for whom there is none, from `/messages` and
 * `/state` of each, a room at a time. A room that refuses is left out.
 *
 * Differs: bots-have-joined-rooms-only
 */
export async function* streamBotAccount(bot: BotAccount): AsyncGenerator<Buffer> {
  yield Buffer.from(`{"next_batch":${JSON.stringify(bot.nextBatch)},"rooms":{"join":{`);
  let separator = '';
  for (const roomId of bot.rooms) {
    const room = await openRoom(bot, roomId).catch(undefinedIfRefused);
    if (room === undefined) continue;
    yield Buffer.from(`${separator}${JSON.stringify(roomId)}:{"timeline":`);
    yield room.timeline;
    yield Buffer.from(',"state":{"events":');
    yield* room.state;
    yield Buffer.from('}}');
    separator = ',';
  }
  yield Buffer.from('}}}');
}

async function openRoom(
  { account, limit, isRaw }: BotAccount,
  roomId: RoomId,
): Promise<{ timeline: Buffer; state: AsyncIterable<Buffer> }> {
  const query = new URLSearchParams({ dir: 'b', limit: String(Math.min(Math.max(limit, 1), PAGE_LIMIT)) });
  const filter = messagesFilter({ isRaw });
  if (filter !== undefined) query.set('filter', filter);
  const call = { method: 'GET', path: toRawPath('rooms', roomId, 'messages'), query } as const;
  const { events, start, end } = await readPage(await account.streamRequest(call));
  const shown = events.slice(0, limit).toReversed();
  const timeline = Buffer.concat([
    Buffer.from('{"events":['),
    ...shown.flatMap((event, i) => (i === 0 ? [event] : [COMMA, event])),
    Buffer.from(`],"limited":true,"prev_batch":${(limit === 0 ? start : end) ?? 'null'}}`),
  ]);
  return { timeline, state: await account.streamState(roomId) };
}

const COMMA = Buffer.from(',');

/** A page of `/messages` → its events, newest first, and its tokens, all as the JSON texts that they came as. */
async function readPage(
  chunks: AsyncIterable<Buffer>,
): Promise<{ events: Buffer[]; start?: string; end?: string }> {
  const page: { events: Buffer[]; start?: string; end?: string } = { events: [] };
  const reader = new JsonReader({
    visit: (path) => {
      if (path.length === 0 || (path.length === 1 && path[0] === 'chunk')) return 'enter';
      return path.length === 2 || path[0] === 'start' || path[0] === 'end' ? 'take' : 'skip';
    },
    take: ([key], bytes) => {
      if (key === 'start' || key === 'end') page[key] = bytes.toString();
      else page.events.push(Buffer.from(bytes));
    },
    leave: () => {},
  });
  for await (const chunk of chunks) reader.push(chunk);
  reader.end();
  return page;
}

function undefinedIfRefused(error: unknown): undefined {
  if (!isRefusal(error)) throw error;
}
