// Receipts and account data of one room out of the answers that have them, as the bytes that they came as.

import type { RoomId } from '../matrix/identifiers.ts';
import { JsonReader, type JsonPath } from '../stream/json-reader.ts';
import { KnownKeys } from './known-keys.ts';
import { KnownMembers } from './known-members.ts';
import { JsonMembers, skipSpace } from '../stream/json-members.ts';

/** A user's own view of a room, beside its history: events of each sort as JSON text. */
export interface OwnView {
  receipts: string[];
  accountData: string[];
}

/**
 * An answer of a simplified sliding sync that asked for two extensions of one room → its receipts and account data.
 *
 * Any key may be missing or null. Throws a `JsonReaderError` where the answer is no JSON.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 */
export function toOwnView(slidingSync: Buffer, roomId: RoomId): OwnView {
  const view: OwnView = { receipts: [], accountData: [] };
  const reader = new JsonReader({
    visit: (path) => stepTo(path, roomId),
    take: () => {},
    takeMembers: ([, extension], bytes, members) => {
      const event = new KnownMembers(KEYS);
      event.read(bytes, members);
      const content = event.has(KEY.content) ? textOf(event, KEY.content, bytes) : '{}';
      if (extension === 'receipts')
        view.receipts.push(`{"type":"m.receipt","room_id":${JSON.stringify(roomId)},"content":${content}}`);
      else if (event.has(KEY.type))
        view.accountData.push(`{"type":${textOf(event, KEY.type, bytes)},"content":${content}}`);
    },
    leave: () => {},
  });
  reader.push(slidingSync);
  reader.end();
  return view;
}

/** An answer of `/tags` → the event that holds them; none where there are none. */
export function toTagEvents(answer: Buffer): string[] {
  const members = new JsonMembers();
  if (!members.find(answer, skipSpace(answer, 0))) return [];
  const known = new KnownMembers(new KnownKeys(['tags']));
  known.read(answer, members);
  const tags = new JsonMembers();
  if (!known.has(0) || !tags.find(answer, known.valueStart(0)) || tags.count === 0) return [];
  return [`{"type":"m.tag","content":{"tags":${textOf(known, 0, answer)}}}`];
}

const KEY = { type: 0, content: 1 } as const;
const KEYS = new KnownKeys(Object.keys(KEY));
const EXTENSIONS: readonly unknown[] = ['receipts', 'account_data'];

/** Leads a reader to `extensions.receipts.rooms.{roomId}` and the elements of `extensions.account_data.rooms.{roomId}`. */
function stepTo([top, extension, rooms, room, index]: JsonPath, roomId: RoomId) {
  const isOnTheWay =
    (top === undefined || top === 'extensions') &&
    (extension === undefined || EXTENSIONS.includes(extension)) &&
    (rooms === undefined || rooms === 'rooms') &&
    (room === undefined || room === roomId);
  if (!isOnTheWay) return 'skip';
  const isEvent = extension === 'receipts' ? room !== undefined : index !== undefined;
  return isEvent ? 'take members' : 'enter';
}

const textOf = (members: KnownMembers, key: number, bytes: Buffer): string =>
  bytes.toString('utf8', members.valueStart(key), members.valueEnd(key));
