// What is known to differ from native Synapse, and how each shows; named as in docs/endpoints.md.

import { isObject } from './comparable.ts';
import type { ComparedAnswers, Difference, NamedDifference } from './compare.ts';

export const ORDER_ACROSS_ROOMS: NamedDifference = {
  name: 'events of several rooms are in the order of their timestamps',
  reason: '/sync does not tell the order of arrival across rooms; in a catch-up each room is read by itself',
  dependsOnTiming: true,
  recognises: ({ path }) => fits(path, 'chunk', 'order across rooms'),
};

export const OWN_MEMBERSHIP_ONCE: NamedDifference = {
  name: 'own membership events stand once',
  reason: 'natively they come from two sources while the room is joined, and nobody needs them twice',
  recognises: ({ path, native, ours }, { userId }) =>
    fits(path, 'chunk', '*') &&
    isRepeat(path) &&
    ours === undefined &&
    isObject(native) &&
    isOwnMembership(native, userId, ['join', 'leave', 'ban', 'invite', 'knock']),
};

export const PRESENCE_ONCE: NamedDifference = {
  name: 'presence stands once for each user',
  reason: 'natively it is repeated for every join',
  recognises: ({ path, native, ours }) =>
    fits(path, 'chunk', '*') &&
    isRepeat(path) &&
    ours === undefined &&
    isObject(native) &&
    native['type'] === 'm.presence',
};

export const OWN_PRESENCE_ON_JOIN: NamedDifference = {
  name: 'own presence does not come with an own join',
  reason: '/sync gives the presence of those who were not seen before, and natively everybody in the room',
  recognises: ({ path, native, ours }, { userId, native: answer }) =>
    fits(path, 'chunk', `m.presence of ${userId}`) &&
    isObject(native) &&
    ours === undefined &&
    chunkOf(answer).some((event) => isOwnMembership(event, userId, ['join'])),
};

export const BEFORE_THE_JOIN: NamedDifference = {
  name: 'what happened in a room between `from` and an own join is delivered',
  reason:
    'natively a poll that waits meanwhile looks at the rooms of its beginning only, and ends behind the join',
  recognises: ({ path, native, ours }, { userId, ours: answer }) => {
    if (native !== undefined || !isObject(ours) || !fits(path, 'chunk', '*')) return false;
    const inRoom = chunkOf(answer).filter((event) => event['room_id'] === ours['room_id']);
    const join = inRoom.findIndex((event) => isOwnMembership(event, userId, ['join']));
    return inRoom.findIndex((event) => event['event_id'] === ours['event_id']) < join;
  },
};

export const INVITES_OF_THE_IGNORED: NamedDifference = {
  name: 'invites of ignored users do not come',
  reason: '/sync leaves them out',
  recognises: ({ path, native, ours }) =>
    path[0] === 'chunk' &&
    path.length === 2 &&
    path[1]?.startsWith('invite of ') === true &&
    isObject(native) &&
    ours === undefined,
};

export const BEFORE_THE_LEAVE: NamedDifference = {
  name: 'what happened before a leave, kick or ban is delivered',
  reason: 'natively the room is no longer looked at when the poll starts afterwards',
  recognises: ({ path, native, ours }, answers) =>
    fits(path, 'chunk', '*') &&
    native === undefined &&
    isObject(ours) &&
    chunkOf(answers.ours).some(
      (event) =>
        event['room_id'] === ours['room_id'] && isOwnMembership(event, answers.userId, ['leave', 'ban']),
    ),
};

export const INVITES_CARRY_STATE: NamedDifference = {
  name: "invites carry the room's stripped state",
  reason: "old clients take the room's name from it; Synapse has stripped it since about 2019",
  recognises: ({ path, native, ours }) =>
    native === undefined &&
    Array.isArray(ours) &&
    ['invite_room_state', 'knock_room_state'].includes(path.at(-1) ?? '') &&
    (fits(path, 'rooms', '*', 'invite', '*') ||
      fits(path, 'rooms', '*', 'invite', 'unsigned', '*') ||
      fits(path, 'chunk', '*', '*') ||
      fits(path, 'chunk', '*', 'unsigned', '*')),
};

export const MADE_UP_EVENT_ID: NamedDifference = {
  name: 'an invite without a notification has a made-up event id',
  reason: '/sync shows an invite or a knock without id and time',
  recognises: ({ path }) =>
    path[0] === 'chunk' &&
    /^(?:invite|knock) of /.test(path[1] ?? '') &&
    UNKNOWN_BEFORE_JOINING.has(path.slice(2).join('.')),
};

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

export const INVITED_ROOMS_HAVE_ARRAYS: NamedDifference = {
  name: 'invited rooms have empty messages, state and account data',
  reason: 'an old Python client stops at the first room without them',
  recognises: ({ path, native }, answers) => {
    const [room, key] = [roomOf(answers.ours, path[1]), path[2] ?? ''];
    if (native !== undefined || !fits(path, 'rooms', '*', '*') || room?.['membership'] !== 'invite')
      return false;
    const events = key === 'messages' && isObject(room[key]) ? room[key]['chunk'] : room[key];
    return (
      ['messages', 'state', 'account_data'].includes(key) && Array.isArray(events) && events.length === 0
    );
  },
};

export const CHUNKS_ARE_FILLED: NamedDifference = {
  name: 'chunks are full where there is something to fill them with',
  reason:
    'natively what the user may not see is taken out of the newest events, and nothing older comes instead',
  recognises: ({ path, native, ours }, answers) => {
    if (native !== undefined || !isObject(ours) || !fits(path, 'rooms', '*', 'messages', 'chunk', '*'))
      return false;
    const ids = idsInRoom(answers.ours, path[1]);
    const oldestNative = ids.findIndex((id) => idsInRoom(answers.native, path[1]).includes(id));
    return oldestNative === -1 || ids.indexOf(ours['event_id']) < oldestNative;
  },
};

export const CHUNK_IS_FILLED: NamedDifference = {
  name: 'the chunk is full where there is something to fill it with',
  reason: 'natively what cannot be seen leaves it short',
  recognises: ({ path, native, ours }, answers) => {
    if (native !== undefined || !isObject(ours) || !fits(path, 'messages', 'chunk', '*')) return false;
    const [ids, nativeIds] = [idsOf(answers.ours), idsOf(answers.native)];
    const oldestNative = ids.findIndex((id) => nativeIds.includes(id));
    return oldestNative === -1 || ids.indexOf(ours['event_id']) < oldestNative;
  },
};

export const NO_PRESENCE_IN_LARGE_ROOMS: NamedDifference = {
  name: "in rooms of more than 50 members nobody's presence is asked for",
  reason: 'it would be a call for each',
  recognises: ({ path, native, ours }, { ours: answer }) =>
    fits(path, 'presence', '*') && isObject(native) && ours === undefined && joinedIn(answer) > 50,
};

export const TAGS_ALONE_AFTER_LEAVING: NamedDifference = {
  name: 'who left gets tags, but no other account data of the room',
  reason: 'no modern endpoint lists it for him',
  recognises: ({ path, native, ours }, { native: answer }) =>
    fits(path, 'account_data', '*') &&
    isObject(native) &&
    native['type'] !== 'm.tag' &&
    ours === undefined &&
    isObject(answer) &&
    answer['membership'] === 'leave',
};

export const ALIASES_ARE_NOT_STATE: NamedDifference = {
  name: 'lists of aliases are not in the state',
  reason: '/sync leaves these events of old rooms out, and nobody has needed them since 2020',
  recognises: ({ path, native, ours }) =>
    fits(path, 'rooms', '*', 'state', '*') &&
    ours === undefined &&
    isObject(native) &&
    native['type'] === 'm.room.aliases',
};

export const RAW_INVITES_ARE_NOT: NamedDifference = {
  name: 'with `raw` invites are as without',
  reason: 'no modern endpoint gives their federation form',
  recognises: ({ path }) =>
    fits(path, 'rooms', '*', 'invite', '*') &&
    (FEDERATION_KEYS.has(path[3] ?? '') || LEGACY_KEYS.has(path[3] ?? '')),
};

export const RECEIPTS_OF_THE_CHUNK: NamedDifference = {
  name: 'receipts are told of the events of the chunk only',
  reason: 'sliding sync tells no others',
  recognises: ({ path, native, ours }, { ours: answer }) => {
    if (path[0] !== 'receipts' || ours !== undefined || !isObject(native)) return false;
    const eventIds = fits(path, 'receipts', '*')
      ? Object.keys(isObject(native['content']) ? native['content'] : {})
      : [fits(path, 'receipts', '*', 'content', '*') ? path[3] : undefined].filter(isString);
    const shown = chunkOf(isObject(answer) ? answer['messages'] : undefined).map(
      (event) => event['event_id'],
    );
    return eventIds.length > 0 && eventIds.every((eventId) => !shown.includes(eventId));
  },
};

export const ONLOOKERS_SEE_NO_PRESENCE: NamedDifference = {
  name: 'who only looks gets no receipts and no presence',
  reason: 'no modern endpoint tells them',
  recognises: ({ path, native, ours }, { native: answer }) =>
    (fits(path, 'presence', '*') || fits(path, 'receipts', '*')) &&
    isObject(native) &&
    ours === undefined &&
    isObject(answer) &&
    answer['membership'] === undefined,
};

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

/** Of a room's messages, oldest first. */
const idsOf = (room: unknown): unknown[] =>
  chunkOf(isObject(room) ? room['messages'] : undefined).map((event) => event['event_id']);

/** How many members the state of a room has. */
function joinedIn(room: unknown): number {
  const state = isObject(room) && Array.isArray(room['state']) ? room['state'].filter(isObject) : [];
  return state.filter(
    ({ type, content }) => type === 'm.room.member' && isObject(content) && content['membership'] === 'join',
  ).length;
}
