import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import type { SandboxHomeserver } from '../homeserver.ts';
import type { Room } from '../room.ts';
import type { Session } from '../user.ts';

/** A request that was let in. */
export interface Call {
  session: Session;
  /** The parameters of the path, unescaped. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  body: JsonObject;
  bytes: Buffer;
  contentType: string;
  /** Aborts when the client leaves. */
  signal: AbortSignal;
}

/** An answer that is not JSON. */
export class Bytes {
  readonly bytes: Buffer;
  readonly contentType: string;

  constructor(bytes: Buffer, contentType: string) {
    this.bytes = bytes;
    this.contentType = contentType;
  }
}

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path below `/_matrix/client/r0` and `/v3`; whole where it begins with `/_matrix`. */
  path: string;
  /** Who may call it, by default users who are no guests. */
  who?: 'anybody' | 'guests too';
  /** The answer's JSON value, or bytes. What is thrown as a `MatrixError` becomes the answer. */
  handle(call: Call): unknown;
}

type Define = (path: string, handle: Route['handle'], who?: Route['who']) => Route;
const define =
  (method: Route['method']): Define =>
  (path, handle, who) => ({ method, path, handle, ...(who !== undefined && { who }) });

export const get = define('GET');
export const post = define('POST');
export const put = define('PUT');
export const remove = define('DELETE');

/** Finds the room of an id; throws the 404 with Synapse's words. */
export function findRoom(homeserver: SandboxHomeserver, roomId: string | undefined): Room {
  const room = homeserver.rooms.get(roomId as RoomId);
  if (room === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'Unknown room');
  return room;
}

export function findAlias({ aliases }: SandboxHomeserver, alias: string): RoomId {
  const roomId = aliases.get(alias);
  if (roomId === undefined) throw new MatrixError(404, 'M_NOT_FOUND', `Room alias ${alias} not found`);
  return roomId;
}

/** A text in a body; throws 400 where it is missing. */
export function readText(body: JsonObject, key: string): string {
  const value = body[key];
  if (typeof value === 'string') return value;
  throw new MatrixError(400, 'M_MISSING_PARAM', `Missing params: ['${key}']`);
}
