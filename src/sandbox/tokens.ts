// Positions as clients see them. The shapes are stable, and homeserver/kinds/sandbox.ts knows them:
// sync token `/^sbx_[A-Za-z0-9_-]+$/`, messages token `/^sbm_[A-Za-z0-9_-]+$/`; both below 200 characters.

import { MatrixError } from '../matrix/errors.ts';
import type { MessagesToken, SyncToken } from '../matrix/identifiers.ts';

/** After everything that had arrived when the stream stood here. */
export interface StreamPosition {
  stream: number;
}

/**
 * After one event in the order of a room's history, by depth and then by arrival. `bound` is the arrival at which the
 * reading began: forwards nothing older, backwards nothing newer belongs to it.
 */
export interface RoomPosition {
  depth: number;
  stream: number;
  bound?: { dir: 'f' | 'b'; stream: number };
}

export type Position = StreamPosition | RoomPosition;

export const isRoomPosition = (position: Position): position is RoomPosition => 'depth' in position;

const SYNC_TOKEN = /^sbx_[A-Za-z0-9_-]{1,196}$/;
const MESSAGES_TOKEN = /^sbm_[A-Za-z0-9_-]{1,196}$/;
const PREFIX_LENGTH = 4;

export function encodeSyncToken(stream: number): SyncToken {
  return `sbx_${toBase64(String(stream))}` as SyncToken;
}

export function encodeMessagesToken({ depth, stream, bound }: RoomPosition): MessagesToken {
  const end = bound === undefined ? '' : `.${bound.dir}${bound.stream}`;
  return `sbm_${toBase64(`${depth}.${stream}${end}`)}` as MessagesToken;
}

/** Sync token → position; throws 400 `M_UNKNOWN` with these words for anything else. */
export function decodeSyncToken(token: string, words = 'Invalid stream token'): StreamPosition {
  const text = SYNC_TOKEN.test(token) ? fromBase64(token.slice(PREFIX_LENGTH)) : undefined;
  const digits = /^\d{1,15}$/.exec(text ?? '')?.[0];
  if (digits === undefined || String(Number(digits)) !== digits)
    throw new MatrixError(400, 'M_UNKNOWN', words);
  return { stream: Number(digits) };
}

/** Messages token or sync token → position; throws 400 `M_UNKNOWN` with these words for anything else. */
export function decodeToken(token: string, words: string): Position {
  if (!MESSAGES_TOKEN.test(token)) return decodeSyncToken(token, words);
  const text = fromBase64(token.slice(PREFIX_LENGTH)) ?? '';
  const match = /^(\d{1,15})\.(\d{1,15})(?:\.([fb])(\d{1,15}))?$/.exec(text);
  if (match === null) throw new MatrixError(400, 'M_UNKNOWN', words);
  const [, depth, stream, dir, bound] = match;
  return {
    depth: Number(depth),
    stream: Number(stream),
    ...(dir !== undefined && { bound: { dir: dir as 'f' | 'b', stream: Number(bound) } }),
  };
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64url');

/** Decodes base64url; undefined where the text is not what encoding gives: one position has one token. */
function fromBase64(encoded: string): string | undefined {
  const text = Buffer.from(encoded, 'base64url').toString('latin1');
  return toBase64(text) === encoded ? text : undefined;
}
