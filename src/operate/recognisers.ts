// Whether one place in which two answers differ shows a known difference, and no other: for the rows of differences.ts.

import { isObject } from './comparable.ts';
import type { ComparedAnswers, Difference, Recogniser } from './compare.ts';

export const orderAcrossRooms: Recogniser = ({ path }) => fits(path, 'chunk', 'order across rooms');

export const repeatedOwnMembership: Recogniser = ({ path, native, ours }, { userId }) =>
  fits(path, 'chunk', '*') &&
  isRepeat(path) &&
  ours === undefined &&
  isObject(native) &&
  isOwnMembership(native, userId, ['join', 'leave', 'ban', 'invite', 'knock']);

export const repeatedPresence: Recogniser = ({ path, native, ours }) =>
  fits(path, 'chunk', '*') &&
  isRepeat(path) &&
  ours === undefined &&
  isObject(native) &&
  native['type'] === 'm.presence';

export const ownPresenceOnJoin: Recogniser = ({ path, native, ours }, { userId, native: answer }) =>
  fits(path, 'chunk', `m.presence of ${userId}`) &&
  isObject(native) &&
  ours === undefined &&
  chunkOf(answer).some((event) => isOwnMembership(event, userId, ['join']));

export const eventsBeforeTheJoin: Recogniser = ({ path, native, ours }, { userId, ours: answer }) => {
  if (native !== undefined || !isObject(ours) || !fits(path, 'chunk', '*')) return false;
  const inRoom = chunkOf(answer).filter((event) => event['room_id'] === ours['room_id']);
  const join = inRoom.findIndex((event) => isOwnMembership(event, userId, ['join']));
  return inRoom.findIndex((event) => event['event_id'] === ours['event_id']) < join;
};

export const invitesOfTheIgnored: Recogniser = ({ path, native, ours }) =>
  path[0] === 'chunk' &&
  path.length === 2 &&
  path[1]?.startsWith('invite of ') === true &&
  isObject(native) &&
  ours === undefined;

export const eventsBeforeTheLeave: Recogniser = ({ path, native, ours }, answers) =>
  fits(path, 'chunk', '*') &&
  native === undefined &&
  isObject(ours) &&
  chunkOf(answers.ours).some(
    (event) =>
      event['room_id'] === ours['room_id'] && isOwnMembership(event, answers.userId, ['leave', 'ban']),
  );

export const strippedState: Recogniser = ({ path, native, ours }) =>
  native === undefined &&
  Array.isArray(ours) &&
  ['invite_room_state', 'knock_room_state'].includes(path.at(-1) ?? '') &&
  (fits(path, 'rooms', '*', 'invite', '*') ||
    fits(path, 'rooms', '*', 'invite', 'unsigned', '*') ||
    fits(path, 'chunk', '*', '*') ||
    fits(path, 'chunk', '*', 'unsigned', '*'));

export const syntheticEvent: Recogniser = ({ path }) =>
  path[0] === 'chunk' &&
  /^(?:invite|knock) of /.test(path[1] ?? '') &&
  UNKNOWN_BEFORE_JOINING.has(path.slice(2).join('.'));

const UNKNOWN_BEFORE_JOINING = new Set([
  'event_id',
  'origin_server_ts',
  'age',
  'unsigned.age',
  'unsigned.membership',
  'replaces_state',
  'unsigned.replaces_state',
  'prev_content',
  'unsigned.prev_content',
  'unsigned.prev_sender',
]);

export const listsOfInvitedRooms: Recogniser = ({ path, native }, answers) => {
  const [room, key] = [roomOf(answers.ours, path[1]), path[2] ?? ''];
  if (native !== undefined || !fits(path, 'rooms', '*', '*') || room?.['membership'] !== 'invite')
    return false;
  const events = key === 'messages' && isObject(room[key]) ? room[key]['chunk'] : room[key];
  return ['messages', 'state', 'account_data'].includes(key) && Array.isArray(events) && events.length === 0;
};

export const filledChunks: Recogniser = ({ path, native, ours }, answers) => {
  if (native !== undefined || !isObject(ours) || !fits(path, 'rooms', '*', 'messages', 'chunk', '*'))
    return false;
  const ids = idsInRoom(answers.ours, path[1]);
  const oldestNative = ids.findIndex((id) => idsInRoom(answers.native, path[1]).includes(id));
  return oldestNative === -1 || ids.indexOf(ours['event_id']) < oldestNative;
};

export const filledRoomChunk: Recogniser = ({ path, native, ours }, answers) => {
  if (native !== undefined || !isObject(ours) || !fits(path, 'messages', 'chunk', '*')) return false;
  const [ids, nativeIds] = [idsOf(answers.ours), idsOf(answers.native)];
  const oldestNative = ids.findIndex((id) => nativeIds.includes(id));
  return oldestNative === -1 || ids.indexOf(ours['event_id']) < oldestNative;
};

export const presenceInLargeRooms: Recogniser = ({ path, native, ours }, { ours: answer }) =>
  fits(path, 'presence', '*') && isObject(native) && ours === undefined && joinedIn(answer) > 50;

export const accountDataAfterLeaving: Recogniser = ({ path, native, ours }, { native: answer }) =>
  fits(path, 'account_data', '*') &&
  isObject(native) &&
  native['type'] !== 'm.tag' &&
  ours === undefined &&
  isObject(answer) &&
  answer['membership'] === 'leave';

export const aliasesInTheState: Recogniser = ({ path, native, ours }) =>
  fits(path, 'rooms', '*', 'state', '*') &&
  ours === undefined &&
  isObject(native) &&
  native['type'] === 'm.room.aliases';

export const legacyRawInvites: Recogniser = ({ path }) =>
  fits(path, 'rooms', '*', 'invite', '*') &&
  (FEDERATION_KEYS.has(path[3] ?? '') || LEGACY_KEYS.has(path[3] ?? ''));

export const receiptsOutsideTheChunk: Recogniser = ({ path, native, ours }, { ours: answer }) => {
  if (path[0] !== 'receipts' || ours !== undefined || !isObject(native)) return false;
  const eventIds = fits(path, 'receipts', '*')
    ? Object.keys(isObject(native['content']) ? native['content'] : {})
    : [fits(path, 'receipts', '*', 'content', '*') ? path[3] : undefined].filter(isString);
  const shown = chunkOf(isObject(answer) ? answer['messages'] : undefined).map((event) => event['event_id']);
  return eventIds.length > 0 && eventIds.every((eventId) => !shown.includes(eventId));
};

export const presenceForPeekers: Recogniser = ({ path, native, ours }, { native: answer }) =>
  (fits(path, 'presence', '*') || fits(path, 'receipts', '*')) &&
  isObject(native) &&
  ours === undefined &&
  isObject(answer) &&
  answer['membership'] === undefined;

const FEDERATION_KEYS = new Set(['auth_events', 'depth', 'hashes', 'prev_events', 'signatures']);
const LEGACY_KEYS = new Set(['user_id', 'age']);

/** Whether a place is of this form; `*` stands for any one key. */
function fits(path: Difference['path'], ...form: string[]): boolean {
  return path.length === form.length && form.every((key, index) => key === '*' || key === path[index]);
}

function isOwnMembership(event: Record<string, unknown>, userId: string, memberships: string[]): boolean {
  const content = event['content'];
  return (
    event['type'] === 'm.room.member' &&
    event['state_key'] === userId &&
    isObject(content) &&
    memberships.includes(String(content['membership']))
  );
}

const isString = (value: unknown): value is string => typeof value === 'string';

const isRepeat = (path: Difference['path']): boolean => /#\d+$/.test(path.at(-1) ?? '');

function chunkOf(answer: unknown): Record<string, unknown>[] {
  const chunk = isObject(answer) ? answer['chunk'] : undefined;
  return Array.isArray(chunk) ? chunk.filter(isObject) : [];
}

function roomOf(
  answer: ComparedAnswers['native'],
  roomId: string | undefined,
): Record<string, unknown> | undefined {
  const rooms = isObject(answer) ? answer['rooms'] : undefined;
  return Array.isArray(rooms) ? rooms.filter(isObject).find((room) => room['room_id'] === roomId) : undefined;
}

const idsInRoom = (answer: unknown, roomId: string | undefined): unknown[] => idsOf(roomOf(answer, roomId));

/** Returns the ids of a room's messages, oldest first. */
const idsOf = (room: unknown): unknown[] =>
  chunkOf(isObject(room) ? room['messages'] : undefined).map((event) => event['event_id']);

/** Counts the joined members in the state of a room. */
function joinedIn(room: unknown): number {
  const state = isObject(room) && Array.isArray(room['state']) ? room['state'].filter(isObject) : [];
  return state.filter(
    ({ type, content }) => type === 'm.room.member' && isObject(content) && content['membership'] === 'join',
  ).length;
}
