import { MatrixError } from '../../matrix/errors.ts';
import type { StoredEvent } from '../stored-event.ts';
import type { Position, RoomPosition } from '../tokens.ts';

/** `s` and nine numbers, of which the first is the place in the stream. @see reference/homeservers.md §4 */
export const toSyncToken = (stream: number): string => `s${stream}${'_0'.repeat(8)}`;

/** `t<depth>_<position>`, after an event with these. */
export const toMessagesToken = ({ depth, stream }: RoomPosition): string => `t${depth}_${stream}`;

/** Before an event; a position that would be none is inflated instead. @see reference/homeservers.md §4 "decrement" */
export function before({ depth, stream }: StoredEvent): RoomPosition {
  return stream > 1 ? { depth, stream: stream - 1 } : { depth: depth - 1, stream: 1000 };
}

/** Fewer or more fields are taken, and whatever follows a dot. `s0` is the beginning: undefined. Throws 400. */
export function readSince(token: string): number | undefined {
  const match = /^s(\d{1,15})(?:_\d+)*(?:\..*)?$/.exec(token);
  if (match === null) throw new MatrixError(400, 'M_INVALID_PARAM', 'malformed sync token');
  return Number(match[1]) === 0 ? undefined : Number(match[1]);
}

/** Throws 400 for what is neither a sync token nor a messages token. */
export function readPosition(token: string): Position {
  const match = /^t(\d{1,19})_(\d{1,19})$/.exec(token);
  if (match !== null) return { depth: Number(match[1]), stream: Number(match[2]) };
  return { stream: readSince(token) ?? 0 };
}
