// A legacy answer in the form in which two of them can be compared: what must differ between any two requests is
// blackened, what has no order is keyed. This is the only place that does so.

import type { JsonObject } from '../matrix/client-event.ts';

export type ComparedEndpoint = 'initialSync' | 'events' | 'event' | 'roomInitialSync';

/** These stand for values of the right type that differ from request to request. */
export const TOKEN = '(a token)';
export const DURATION = '(a duration)';

/** The sort of thing that an element of a `chunk` is; Synapse gives them in this order. */
export type ChunkBlock =
  'room events' | 'presence' | 'typing' | 'receipts' | 'tags' | 'account data' | 'room account data';

export interface ChunkEntry {
  /** The entry's name, the same in both answers; a second one of the same name in an answer ends in `#2`. */
  identity: string;
  block: ChunkBlock;
  roomId: string | undefined;
  event: unknown;
}

/** A `chunk`: a list whose order means something. */
export class Chunk {
  readonly entries: readonly ChunkEntry[];

  constructor(entries: readonly ChunkEntry[]) {
    this.entries = entries;
  }
}

type Refinement = (value: unknown) => unknown;

/**
 * An answer's JSON → plain objects, with `Chunk` in place of each chunk.
 *
 * Keys that are not known here stay as they are, and so does what is not of the expected type: both show as differences.
 */
export function toComparable(endpoint: ComparedEndpoint, answer: unknown): unknown {
  return toComparableAnswer[endpoint](answer);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const toRoom: Refinement = (room) =>
  refine(room, {
    messages: (messages) => refine(messages, { start: toToken, end: toToken, chunk: toChunk }),
    state: keyed(({ type, state_key }) => `${String(type)} ${JSON.stringify(state_key)}`),
    account_data: keyed(identityOf),
    invite: toEvent,
  });

const toComparableAnswer: Record<ComparedEndpoint, Refinement> = {
  events: (answer) => refine(answer, { start: toToken, end: toToken, chunk: toChunk }),
  initialSync: (answer) =>
    refine(answer, {
      end: toToken,
      presence: keyed(identityOf),
      account_data: keyed(identityOf),
      receipts: keyed(identityOf),
      rooms: keyed(({ room_id }) => String(room_id), toRoom),
    }),
  roomInitialSync: (answer) =>
    refine(toRoom(answer), { presence: keyed(identityOf), receipts: keyed(identityOf) }),
  event: (answer) => toEvent(answer),
};

const toToken: Refinement = (value) => (typeof value === 'string' && value !== '' ? TOKEN : value);
const toDuration: Refinement = (value) => (Number.isFinite(value) ? DURATION : value);

function toChunk(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const uniqueOf = countRepeats();
  return new Chunk(
    value.map((event: unknown) => ({
      identity: uniqueOf(isObject(event) ? identityOf(event) : JSON.stringify(event)),
      block: isObject(event) ? blockOf(event) : 'room events',
      roomId: isObject(event) && typeof event['room_id'] === 'string' ? event['room_id'] : undefined,
      event: toEvent(event),
    })),
  );
}

/** Array without order → object by identity. */
function keyed(identify: (element: JsonObject) => string, toElement: Refinement = toEvent): Refinement {
  return (value) => {
    if (!Array.isArray(value)) return value;
    const uniqueOf = countRepeats();
    return Object.fromEntries(
      value.map((element: unknown) => [
        uniqueOf(isObject(element) ? identify(element) : JSON.stringify(element)),
        toElement(element),
      ]),
    );
  };
}

function toEvent(event: unknown): unknown {
  if (!isObject(event)) return event;
  return refine(event, {
    age: toDuration,
    redacted_because: toEvent,
    unsigned: (unsigned) => refine(unsigned, { age: toDuration, redacted_because: toEvent }),
    ...(event['type'] === 'm.presence' && {
      content: (content: unknown) => refine(content, { last_active_ago: toDuration }),
    }),
    ...(event['type'] === 'm.typing' && {
      content: (content: unknown) => refine(content, { user_ids: toSorted }),
    }),
  });
}

const toSorted: Refinement = (value) => (Array.isArray(value) ? value.toSorted() : value);

function refine(value: unknown, refinements: Record<string, Refinement>): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, refinements[key]?.(each) ?? each]),
  );
}

function blockOf(event: JsonObject): ChunkBlock {
  if (typeof event['event_id'] === 'string') return 'room events';
  if (event['type'] === 'm.presence') return 'presence';
  if (event['type'] === 'm.typing') return 'typing';
  if (event['type'] === 'm.receipt') return 'receipts';
  if (event['type'] === 'm.tag') return 'tags';
  return 'room_id' in event ? 'room account data' : 'account data';
}

function identityOf(event: JsonObject): string {
  const { type, event_id: eventId, room_id: roomId, state_key: stateKey } = event;
  const content = isObject(event['content']) ? event['content'] : {};
  const { membership, user_id: userId } = content;
  // Before joining only the homeserver knows their ids: the gateway may have had to make them up.
  if (type === 'm.room.member' && (membership === 'invite' || membership === 'knock'))
    return `${membership} of ${String(stateKey)} in ${String(roomId)}`;
  if (typeof eventId === 'string') return eventId;
  if (type === 'm.presence') return `m.presence of ${String(userId)}`;
  return roomId === undefined ? String(type) : `${String(type)} in ${String(roomId)}`;
}

/** Names → the same, and `#2`, `#3` … on those that came before. */
function countRepeats(): (name: string) => string {
  const counts = new Map<string, number>();
  return (name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  };
}
