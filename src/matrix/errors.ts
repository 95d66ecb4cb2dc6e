// The closed vocabulary of what can go wrong; `http/error-handler.ts` alone puts it on the wire.

import type { Milliseconds } from './identifiers.ts';

/** A Matrix error reaches the client as `{errcode, error}` with its status. `error` is shown: it holds nothing internal. */
export class MatrixError extends Error {
  readonly status: number;
  readonly errcode: string;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, errcode: string, error: string, fields: Record<string, unknown> = {}) {
    super(error);
    this.name = 'MatrixError';
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
  }
}

/** The homeserver's own error, which reaches the client as it came: body, content type, `Retry-After`. */
export class HomeserverError extends MatrixError {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: Buffer, headers: Record<string, string>) {
    const { errcode, error, ...fields } = readErrorBody(body);
    super(status, errcode, error, fields);
    this.name = 'HomeserverError';
    this.body = body;
    this.headers = headers;
  }
}

/**
 * This error says that the homeserver cannot be reached or sends an unreadable answer (502), is too slow (504), or is asked
 * so much by us that this call got no turn (503). Its code is `M_UNKNOWN`.
 */
export class HomeserverUnavailable extends MatrixError {
  constructor(status: 502 | 503 | 504, error: string, options: { cause?: unknown } = {}) {
    super(status, 'M_UNKNOWN', error);
    this.name = 'HomeserverUnavailable';
    this.cause = options.cause;
  }
}

/** Tells whether the homeserver keeps something from the caller, or does not have it: 403 or 404. */
export const isRefusal = (error: unknown): error is HomeserverError =>
  error instanceof HomeserverError && (error.status === 403 || error.status === 404);

/** Tells whether asking again later may succeed: the homeserver is down, failing (5xx) or limiting (429). */
export function isTransient(error: unknown): error is MatrixError {
  return (
    error instanceof HomeserverUnavailable ||
    (error instanceof HomeserverError && error.status >= 500) ||
    // The homeserver's limit, or one of ours.
    (error instanceof MatrixError && error.status === 429)
  );
}

/** An error → how long its 429 asks to wait, by `Retry-After` or `retry_after_ms`; undefined where it does not say. */
export function retryAfterOf(error: unknown): Milliseconds | undefined {
  if (!(error instanceof HomeserverError) || error.status !== 429) return undefined;
  const seconds = Number(error.headers['retry-after']);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  const milliseconds = error.fields['retry_after_ms'];
  return typeof milliseconds === 'number' && milliseconds >= 0 ? milliseconds : undefined;
}

function readErrorBody(body: Buffer): { errcode: string; error: string; [field: string]: unknown } {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null)
      return { errcode: 'M_UNKNOWN', error: 'The homeserver refused', ...value };
  } catch {
    // Not JSON, as a reverse proxy's own error pages are: passed on as it is.
  }
  return { errcode: 'M_UNKNOWN', error: 'The homeserver refused' };
}

export const invalidParam = (error: string): MatrixError => new MatrixError(400, 'M_INVALID_PARAM', error);
export const unrecognized = (status: 404 | 405 = 404, error = 'Unrecognized request'): MatrixError =>
  new MatrixError(status, 'M_UNRECOGNIZED', error);
