import { isRoomPosition, type Position } from './tokens.ts';
import type { StoredEvent } from './stored-event.ts';

/**
 * A room's events in two orders: by arrival, as `/sync` gives them, and by depth, as `/messages` pages through them.
 * They differ where an event arrives late, with a lower depth, as a fork in a federated room makes.
 *
 * A page costs what it holds and a binary search; only a page that crosses from late events to new ones also looks at
 * what lies between.
 */
export class Timeline {
  readonly byArrival: StoredEvent[] = [];
  readonly #byDepth: StoredEvent[] = [];
  /** Those after whose arrival none of a lower or equal depth came: their depths grow, so the first one is the lowest. */
  readonly #lowestSince: StoredEvent[] = [];
  /** The greatest depth up to each arrival. */
  readonly #highestUntil: number[] = [];

  get highestDepth(): number {
    return this.#highestUntil.at(-1) ?? 0;
  }

  /** The greatest depth that had come when the stream stood here. */
  highestDepthUntil(stream: number): number {
    return this.#highestUntil[this.arrivedUntil(stream) - 1] ?? 0;
  }

  add(event: StoredEvent): void {
    this.byArrival.push(event);
    this.#highestUntil.push(Math.max(this.highestDepth, event.depth));
    while ((this.#lowestSince.at(-1)?.depth ?? -1) >= event.depth) this.#lowestSince.pop();
    this.#lowestSince.push(event);
    const last = this.#byDepth.at(-1);
    if (last === undefined || last.depth <= event.depth) this.#byDepth.push(event);
    else this.#byDepth.splice(this.#indexAfter(event.depth, event.stream), 0, event);
  }

  /** How many had arrived when the stream stood here. */
  arrivedUntil(stream: number): number {
    return countWhile(this.byArrival, (event) => event.stream <= stream);
  }

  /** After `from`, up to `to`, by depth. */
  *forwards(from: Position, to: Position | undefined): Generator<StoredEvent> {
    const after = oldestStream(from, 'f');
    const until = to === undefined ? Infinity : newestStream(to);
    const end = to === undefined ? this.#byDepth.length : this.#endOf(to);
    for (let at = this.#startAfter(from); at < end; at += 1) {
      const event = this.#byDepth[at];
      if (event !== undefined && event.stream > after && event.stream <= until) yield event;
    }
  }

  /** Yields the events from before `from` down to after `to`, the newest first. */
  *backwards(from: Position, to: Position | undefined): Generator<StoredEvent> {
    const until = newestStream(from);
    const after = to === undefined ? -1 : oldestStream(to, 'b');
    const start = to === undefined ? 0 : this.#startAfter(to);
    for (let at = this.#endOf(from) - 1; at >= start; at -= 1) {
      const event = this.#byDepth[at];
      if (event !== undefined && event.stream > after && event.stream <= until) yield event;
    }
  }

  /** The index of the first one by depth that can lie after a position. */
  #startAfter(position: Position): number {
    if (isRoomPosition(position)) return this.#indexAfter(position.depth, position.stream);
    const lowest =
      this.#lowestSince[countWhile(this.#lowestSince, (event) => event.stream <= position.stream)];
    return lowest === undefined ? this.#byDepth.length : this.#indexAfter(lowest.depth, -1);
  }

  /** The index behind the last one by depth that can lie before a position. */
  #endOf(position: Position): number {
    if (isRoomPosition(position)) return this.#indexAfter(position.depth, position.stream);
    const highest = this.#highestUntil[this.arrivedUntil(position.stream) - 1];
    return highest === undefined ? 0 : this.#indexAfter(highest, Infinity);
  }

  #indexAfter(depth: number, stream: number): number {
    return countWhile(
      this.#byDepth,
      (event) => event.depth < depth || (event.depth === depth && event.stream <= stream),
    );
  }
}

/** Arrivals up to here do not lie after the position. */
function oldestStream(position: Position, dir: 'f' | 'b'): number {
  if (!isRoomPosition(position)) return position.stream;
  return dir === 'f' && position.bound?.dir === 'f' ? position.bound.stream : -1;
}

/** Arrivals after this do not lie before the position. */
function newestStream(position: Position): number {
  if (!isRoomPosition(position)) return position.stream;
  return position.bound?.dir === 'b' ? position.bound.stream : Infinity;
}

/** How many at the beginning of a list have a property that none has after the first one without it. */
export function countWhile<Item>(list: readonly Item[], holds: (item: Item) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(list[middle] as Item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
