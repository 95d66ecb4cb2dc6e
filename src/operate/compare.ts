import type { JsonObject } from '../matrix/client-event.ts';
import { Chunk, isObject, toComparable, type ChunkEntry, type ComparedEndpoint } from './comparable.ts';

/** One place in which two answers differ. A side that has nothing there is undefined. */
export interface Difference {
  /** Keys from the top of the answer down, elements of lists by what they are (see comparable.ts). */
  path: readonly string[];
  native: unknown;
  ours: unknown;
}

/** Whether one place differs for one reason, and for no other. */
export type Recogniser = (place: Difference, answers: ComparedAnswers) => boolean;

/** A difference that is known and wanted: a row of differences.ts. */
export interface ExpectedDifference {
  id: string;
  recognises: Recogniser;
  /** It shows or not by chance: it is not missed where it does not. */
  dependsOnTiming?: boolean;
}

/** A recogniser may look at both answers as they came, besides the place itself. */
export interface ComparedAnswers {
  userId: string;
  native: unknown;
  ours: unknown;
}

export interface Comparison {
  /** Places that differ for no reason that was expected. */
  unnamed: Difference[];
  /** Ids of expected differences that did not show: the expectation is out of date. */
  gone: string[];
  /** How often each expected difference showed. */
  counts: ReadonlyMap<string, number>;
}

/**
 * Compares two answers to the same request, Synapse's own and ours, and returns what differs beside the differences
 * that are expected.
 *
 * `expected` is exact: one that did not show is `gone`. An answer as a whole is never recognised, only places in it.
 */
export function compare(
  endpoint: ComparedEndpoint,
  answers: ComparedAnswers,
  expected: readonly ExpectedDifference[],
): Comparison {
  const places = [
    ...differencesOf(toComparable(endpoint, answers.native), toComparable(endpoint, answers.ours), []),
  ];
  const counts = new Map(expected.map(({ id }) => [id, 0]));
  const unnamed = places.filter((place) => {
    const found = place.path.length > 0 && expected.find((each) => each.recognises(place, answers));
    if (found) counts.set(found.id, (counts.get(found.id) ?? 0) + 1);
    return !found;
  });
  const gone = expected.filter(({ id, dependsOnTiming }) => dependsOnTiming !== true && counts.get(id) === 0);
  return { unnamed, counts, gone: gone.map(({ id }) => id) };
}

type Path = readonly string[];

function* differencesOf(native: unknown, ours: unknown, path: Path): Generator<Difference> {
  if (native instanceof Chunk && ours instanceof Chunk) {
    yield* differencesOf(eventsOf(native), eventsOf(ours), path);
    yield* orderDifferences(native, ours, path);
  } else if (Array.isArray(native) && Array.isArray(ours)) {
    yield* differencesOf({ ...native }, { ...ours }, path);
  } else if (isObject(native) && isObject(ours)) {
    for (const key of new Set([...Object.keys(native), ...Object.keys(ours)]))
      yield* differencesOf(ownValue(native, key), ownValue(ours, key), [...path, key]);
  } else if (!Object.is(native, ours)) {
    yield { path, native: asJson(native), ours: asJson(ours) };
  }
}

/**
 * The order of what is in both: of each room's events, of the kinds of things, and, where neither differs, of room
 * events across rooms. At the place `order in ROOM`, `order of kinds`, `order across rooms`: the identities in order.
 */
function* orderDifferences(native: Chunk, ours: Chunk, path: Path): Generator<Difference> {
  const [nativeEntries, ourEntries] = [inBoth(native, ours), inBoth(ours, native)];
  const kinds = ordered(
    nativeEntries,
    ourEntries,
    withoutRepeats(({ block }) => block),
  );
  if (kinds !== undefined) yield { path: [...path, 'order of kinds'], ...kinds };

  const [nativeEvents, ourEvents] = [nativeEntries.filter(isRoomEvent), ourEntries.filter(isRoomEvent)];
  const rooms = new Set(nativeEvents.map(({ roomId }) => roomId));
  let isEachRoomInOrder = true;
  for (const roomId of rooms) {
    const identitiesIn = (entries: readonly ChunkEntry[]): string[] =>
      entries.filter((entry) => entry.roomId === roomId).map(({ identity }) => identity);
    const inRoom = ordered(nativeEvents, ourEvents, identitiesIn);
    if (inRoom === undefined) continue;
    isEachRoomInOrder = false;
    yield { path: [...path, `order in ${roomId}`], ...inRoom };
  }
  const acrossRooms = ordered(nativeEvents, ourEvents, (entries) => entries.map(({ identity }) => identity));
  if (isEachRoomInOrder && acrossRooms !== undefined)
    yield { path: [...path, 'order across rooms'], ...acrossRooms };
}

function ordered(
  native: readonly ChunkEntry[],
  ours: readonly ChunkEntry[],
  toNames: (entries: readonly ChunkEntry[]) => string[],
): { native: string[]; ours: string[] } | undefined {
  const [a, b] = [toNames(native), toNames(ours)];
  return a.every((name, index) => name === b[index]) && a.length === b.length
    ? undefined
    : { native: a, ours: b };
}

/** The entries whose identity the other chunk has as well. */
function inBoth(chunk: Chunk, other: Chunk): ChunkEntry[] {
  const identities = new Set(other.entries.map(({ identity }) => identity));
  return chunk.entries.filter(({ identity }) => identities.has(identity));
}

const withoutRepeats =
  (nameOf: (entry: ChunkEntry) => string) =>
  (entries: readonly ChunkEntry[]): string[] =>
    entries.map(nameOf).filter((name, index, names) => name !== names[index - 1]);

const isRoomEvent = ({ block }: ChunkEntry): boolean => block === 'room events';

const eventsOf = ({ entries }: Chunk): unknown =>
  Object.fromEntries(entries.map(({ identity, event }) => [identity, event]));

/** Not what every object inherits: keys are whatever clients made up. */
const ownValue = (object: JsonObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;

const asJson = (value: unknown): unknown => (value instanceof Chunk ? eventsOf(value) : value);
