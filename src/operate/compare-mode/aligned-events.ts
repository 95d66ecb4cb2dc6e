// Two long polls never end alike: what of them can be compared.

import { Chunk, isObject, toComparable } from '../comparable.ts';

type Events = Record<string, unknown>;

/**
 * An answer of `/events`, and all that the other side has from the same token on → both with only what must be in both.
 *
 * Of the longer side counts what the answer has, and what stands before that in the same room; what comes after it is a
 * later poll's. Presence, typing and receipts are news of a moment, of which the two see different ones: only room events
 * are compared.
 */
export function alignEvents(answer: Events, longer: Events): { answer: Events; longer: Events } {
  const [own, others] = [entriesOf(answer), entriesOf(longer)];
  const wanted = new Set(own.map(({ identity }) => identity));
  const lastInRoom = new Map<string | undefined, number>();
  others.forEach(({ identity, roomId }, i) => {
    if (wanted.has(identity)) lastInRoom.set(roomId, i);
  });
  const kept = others.filter(({ roomId }, i) => i <= (lastInRoom.get(roomId) ?? -1));
  return {
    answer: { ...answer, chunk: own.map(({ event }) => event) },
    longer: { ...longer, chunk: kept.map(({ event }) => event) },
  };
}

/** Room events with what they are, as the comparison names them. */
function entriesOf(answer: Events): { identity: string; roomId: string | undefined; event: unknown }[] {
  const chunk = Array.isArray(answer['chunk']) ? (answer['chunk'] as unknown[]) : [];
  const comparable = toComparable('events', { chunk });
  const entries =
    isObject(comparable) && comparable['chunk'] instanceof Chunk ? comparable['chunk'].entries : [];
  return entries.flatMap(({ identity, roomId, block }, i) =>
    block === 'room events' ? [{ identity, roomId, event: chunk[i] }] : [],
  );
}
