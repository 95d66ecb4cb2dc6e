import { HomeserverUnavailable, MatrixError } from '../matrix/errors.ts';

/** A deadline ended a request before its answer was there. */
export class AnswerTooLate extends Error {
  override readonly name = 'AnswerTooLate';
}
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge';
}
/** A status that no client would understand: 600 and 999 are read by HTTP libraries, and refused by others. */
export class OddStatus extends Error {
  override readonly name = 'OddStatus';
}

/** Whether HTTP has such a status. */
export const isStatus = (status: number): boolean => status >= 100 && status <= 599;

/**
 * Whatever undici throws → what the client is told; nothing of the homeserver's
 * address is in it, and `cause` is for the log.
 */
export function explainNetworkError(error: unknown): MatrixError {
  if (error instanceof MatrixError) return error;
  const unavailable = (status: 502 | 504, text: string) =>
    new HomeserverUnavailable(status, text, { cause: error });
  if (error instanceof AnswerTooLarge) return unavailable(502, "The homeserver's answer is too large");
  if (error instanceof AnswerTooLate) return unavailable(504, 'The homeserver took too long to answer');
  const { code = '' } = (error ?? {}) as NodeJS.ErrnoException;
  if (TOO_LATE.has(code)) return unavailable(504, 'The homeserver took too long to answer');
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET')
    return unavailable(502, 'The homeserver closed the connection');
  if (error instanceof OddStatus || code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return unavailable(502, "The homeserver's answer is not valid HTTP/1.1");
  return unavailable(502, 'Could not reach the homeserver');
}

/** Explains the error of a request that is passed on: where undici cannot send it, the client wrote something wrong. */
export function explainPassingError(error: unknown): MatrixError {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  if (code !== 'UND_ERR_INVALID_ARG') return explainNetworkError(error);
  return new MatrixError(400, 'M_UNKNOWN', 'The request cannot be passed on');
}

const TOO_LATE: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
