// Which requests of clients and of other homeservers make news in rooms, by method and path alone.

import type { RoomId } from '../matrix/identifiers.ts';
import { pathOf } from '../http/raw-url.ts';

interface NewsRoute {
  methods: readonly string[];
  /** The path below the prefix; `*` stands for one segment, `ROOM` for that of the room, where the path names it. */
  path: string;
}

const route = (methods: string, path: string): NewsRoute => ({ methods: methods.split(','), path });

/** Routes below `/_matrix/client/{prefix}/`. If the path names no room, it may be any. */
const CLIENT_ROUTES: readonly NewsRoute[] = [
  route('PUT', 'rooms/ROOM/send/*/*'),
  route('POST', 'rooms/ROOM/send/*'),
  route('PUT', 'rooms/ROOM/state/*'),
  route('PUT', 'rooms/ROOM/state/*/*'),
  route('PUT', 'rooms/ROOM/redact/*/*'),
  route('POST', 'rooms/ROOM/redact/*'),
  ...['join', 'leave', 'invite', 'kick', 'ban', 'unban', 'upgrade'].flatMap((action) => [
    route('POST', `rooms/ROOM/${action}`),
    // Of 2014, with a transaction id.
    route('PUT', `rooms/ROOM/${action}/*`),
  ]),
  route('PUT', 'rooms/ROOM/members/*'),
  route('POST', 'join/ROOM'),
  route('PUT', 'join/ROOM/*'),
  route('POST', 'knock/ROOM'),
  // A new name stands in the user's member event of every room.
  route('PUT,DELETE', 'profile/*/displayname'),
  route('PUT,DELETE', 'profile/*/avatar_url'),
];

/** Routes below `/_matrix/federation/{version}/`. */
const FEDERATION_ROUTES: readonly NewsRoute[] = [
  route('PUT', 'send/*'),
  ...['send_join', 'send_leave', 'send_knock'].map((way) => route('PUT', `${way}/ROOM/*`)),
];

const CLIENT_PREFIX = /^\/_matrix\/client\/(?:api\/v1|r0|v1|v3|v2_alpha|unstable)\//;
const FEDERATION_PREFIX = /^\/_matrix\/federation\/v[12]\//;

/** A request that was answered well → the room that has news now, `any` where it may be each; undefined for no news. */
export function newsOf(method: string, rawUrl: string): RoomId | 'any' | undefined {
  // Nearly everything is a GET.
  if (method !== 'PUT' && method !== 'POST' && method !== 'DELETE') return undefined;
  const path = pathOf(rawUrl);
  for (const [prefix, routes] of [
    [CLIENT_PREFIX, CLIENT_ROUTES],
    [FEDERATION_PREFIX, FEDERATION_ROUTES],
  ] as const) {
    const start = prefix.exec(path)?.[0].length;
    if (start !== undefined) return newsAmong(routes, method, path.slice(start).split('/', MOST_SEGMENTS));
  }
  return undefined;
}

/** No route has so many segments: the rest of a longer path is not looked at. */
const MOST_SEGMENTS = 7;

function newsAmong(
  routes: readonly NewsRoute[],
  method: string,
  segments: readonly string[],
): RoomId | 'any' | undefined {
  for (const { methods, path } of routes) {
    const pattern = path.split('/');
    const isIt =
      methods.includes(method) &&
      pattern.length === segments.length &&
      pattern.every((part, i) => part === '*' || part === 'ROOM' || part === segments[i]);
    if (isIt) return roomIn(segments[pattern.indexOf('ROOM')]);
  }
  return undefined;
}

/** An alias, or an id that cannot be read, may be any room's. */
function roomIn(segment: string | undefined): RoomId | 'any' {
  if (segment === undefined) return 'any';
  try {
    const text = decodeURIComponent(segment);
    return text.startsWith('!') ? (text as RoomId) : 'any';
  } catch {
    return 'any';
  }
}
