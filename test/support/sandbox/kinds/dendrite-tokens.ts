import { MatrixError } from '../../../../src/matrix/errors.ts';
import type { SandboxHomeserver } from '../../../../src/sandbox/homeserver.ts';
import type { StoredEvent } from '../../../../src/sandbox/stored-event.ts';
import type { Position, RoomPosition } from '../../../../src/sandbox/tokens.ts';

/**
 * `s` and nine numbers: first the newest event's place in the stream, last, as presence, that of whatever was newest.
 *
 * @see docs/reference/homeservers.md#tokens
 */
export function toSyncToken({ rooms }: SandboxHomeserver, stream: number): string {
  let newestEvent = 0;
  for (const { timeline } of rooms.values())
    newestEvent = Math.max(newestEvent, timeline.byArrival[timeline.arrivedUntil(stream) - 1]?.stream ?? 0);
  return `s${newestEvent}${'_0'.repeat(7)}_${stream}`;
}

/** `t<depth>_<position>`, after an event with these. */
export const toMessagesToken = ({ depth, stream }: RoomPosition): string => `t${depth}_${stream}`;

/** Before an event; a position that would be none is inflated instead. @see docs/reference/homeservers.md#tokens */
export function before({ depth, stream }: StoredEvent): RoomPosition {
  return stream > 1 ? { depth, stream: stream - 1 } : { depth: depth - 1, stream: 1000 };
}

/** Fewer or more fields are taken, and whatever follows a dot. `s0` is the beginning: undefined. Throws 400. */
export function readSince(token: string): number | undefined {
  const [events = 0, ...others] = readFields(token);
  return events === 0 ? undefined : Math.max(events, others[7] ?? 0);
}

/** Throws 400 for what is neither a sync token nor a messages token. */
export function readPosition(token: string): Position {
  const match = /^t(\d{1,19})_(\d{1,19})$/.exec(token);
  if (match !== null) return { depth: Number(match[1]), stream: Number(match[2]) };
  return { stream: readFields(token)[0] ?? 0 };
}

function readFields(token: string): number[] {
  const match = /^s(\d{1,15}(?:_\d{1,15})*)(?:\..*)?$/.exec(token);
  if (match === null) throw new MatrixError(400, 'M_INVALID_PARAM', 'malformed sync token');
  return (match[1] ?? '').split('_').map(Number);
}
