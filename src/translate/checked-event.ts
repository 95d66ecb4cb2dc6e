import { JsonReaderError } from '../stream/json-reader.ts';
import { OBJECT_START, QUOTE } from '../stream/json-bytes.ts';
import type { JsonMembers } from '../stream/json-members.ts';
import { KnownKeys } from './known-keys.ts';

/** This error says that an answer of the homeserver means nothing: a value that we rely on is missing, or of another type. */
export class UnreadableAnswer extends JsonReaderError {}

type Expected = 'type' | 'text' | 'object' | 'send time';

const EXPECTED: Readonly<Record<string, Expected>> = {
  type: 'type',
  event_id: 'text',
  sender: 'text',
  room_id: 'text',
  state_key: 'text',
  content: 'object',
  unsigned: 'object',
  origin_server_ts: 'send time',
};
const KEYS = new KnownKeys(Object.keys(EXPECTED));
const EXPECTED_OF = Object.values(EXPECTED);

/**
 * Checks the members of an event that every client relies on, by how their bytes begin: its `type` is there, and what
 * else is there has the type that Matrix gives it, or is null. Returns `origin_server_ts`, 0 where there is none.
 * Throws an `UnreadableAnswer`.
 */
export function checkEvent(bytes: Buffer, members: JsonMembers): number {
  let hasType = false;
  let sentAt = 0;
  for (let member = 0; member < members.count; member += 1) {
    const number = KEYS.numberOf(bytes, members, member);
    // Most keys are none of these, and a place that a list does not have is slow to look up.
    const expected = number < 0 ? undefined : EXPECTED_OF[number];
    if (expected === undefined) continue;
    const start = members.valueStart(member);
    const first = bytes[start] ?? 0;
    if (first === LETTER_N && expected !== 'type') continue;
    if (!begins(first, expected)) throw new UnreadableAnswer(`an event has an odd ${expected}`);
    if (expected === 'type') hasType = true;
    if (expected === 'send time') sentAt = numberIn(bytes, start, members.valueEnd(member));
  }
  if (!hasType) throw new UnreadableAnswer('an event has no type');
  return Number.isFinite(sentAt) ? sentAt : 0;
}

/** A number's bytes → the number; where it is of digits alone, as nearly all are, without making a text of them. */
function numberIn(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return Number(bytes.toString('latin1', start, end));
    value = value * 10 + digit;
  }
  return value;
}

const LETTER_N = 0x6e;
const MINUS = 0x2d;
const DIGIT_ZERO = 0x30;

function begins(first: number, expected: Expected): boolean {
  if (expected === 'object') return first === OBJECT_START;
  if (expected === 'send time') return first === MINUS || (first >= 0x30 && first <= 0x39);
  return first === QUOTE;
}

/**
 * Checks the members of a parsed event that every client relies on: its `type` is there, and what else is there has the type
 * that Matrix gives it, or is null. Throws an `UnreadableAnswer`.
 */
export function checkParsedEvent(event: unknown): { type: string; origin_server_ts?: number } {
  if (!isObject(event)) throw new UnreadableAnswer('an event is no object');
  const { type, content, unsigned, origin_server_ts: sentAt } = event;
  const texts = [event['event_id'], event['sender'], event['room_id'], event['state_key']];
  const isGood =
    typeof type === 'string' &&
    texts.every((text) => isAbsent(text) || typeof text === 'string') &&
    [content, unsigned].every((value) => isAbsent(value) || isObject(value)) &&
    (isAbsent(sentAt) || typeof sentAt === 'number');
  if (!isGood) throw new UnreadableAnswer('an event has members of odd types');
  return event as { type: string; origin_server_ts?: number };
}

export const isAbsent = (value: unknown): boolean => value === undefined || value === null;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
