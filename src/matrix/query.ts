// Query parameters as Synapse reads them, with its words for what it refuses.

import { invalidParam, MatrixError } from './errors.ts';
import type { Milliseconds } from './identifiers.ts';

/** The three are Synapse's. @see docs/reference/synapse-legacy.md#parameters-of-events */
const MOST_EVENTS = 1000;
const SHORTEST_TIMEOUT_MS = 500;
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * `limit`: a number of events from 0 to 1000; more is 1000, absent is `byDefault`.
 *
 * @see docs/reference/synapse-legacy.md#common-http-facts
 */
export function readLimit(query: URLSearchParams, byDefault: number): number {
  const text = query.get('limit');
  if (text === null) return byDefault;
  const limit = readInteger(text);
  if (limit === undefined) throw invalidParam('Query parameter limit must be an integer');
  if (limit < 0) throw invalidParam('Query parameter limit must be a positive integer.');
  return Math.min(limit, MOST_EVENTS);
}

/**
 * `timeout` of a long poll: 0 (at once), or from 500 ms to `mostMs`; absent is 30 s.
 *
 * @see docs/reference/synapse-legacy.md#parameters-of-events
 */
export function readTimeout(query: URLSearchParams, mostMs: Milliseconds): Milliseconds {
  const text = query.get('timeout');
  if (text === null) return Math.min(DEFAULT_TIMEOUT_MS, mostMs);
  const timeoutMs = readInteger(text);
  if (timeoutMs === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'timeout must be in milliseconds.');
  return timeoutMs === 0 ? 0 : Math.min(Math.max(timeoutMs, SHORTEST_TIMEOUT_MS), mostMs);
}

/**
 * `timeout` of a `/sync`: from 0 to `mostMs`; absent is 0.
 *
 * @see docs/reference/synapse-legacy.md#sync
 */
export function readSyncTimeout(query: URLSearchParams, mostMs: Milliseconds): Milliseconds {
  const text = query.get('timeout');
  if (text === null) return 0;
  const timeoutMs = readInteger(text);
  if (timeoutMs === undefined) throw invalidParam('Query parameter timeout must be an integer');
  if (timeoutMs < 0) throw invalidParam('Query parameter timeout must be a positive integer.');
  return Math.min(timeoutMs, mostMs);
}

/** A flag that is `true` or `false` in exactly these letters; absent is false. */
export function readBoolean(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === 'false') return false;
  if (text === 'true') return true;
  throw invalidParam(`Boolean query parameter '${name}' must be one of ['true', 'false']`);
}

/** `dir`, which the deprecated endpoints read and ignore: throws unless it is absent, `b` or `f`. */
export function checkDirection(query: URLSearchParams): void {
  const dir = query.get('dir') ?? 'b';
  if (dir !== 'b' && dir !== 'f') throw invalidParam("Query parameter 'dir' must be one of ['b', 'f']");
}

/** Digits with an optional sign and white space around them, as Python reads an integer; undefined for all else. */
function readInteger(text: string): number | undefined {
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined;
}
