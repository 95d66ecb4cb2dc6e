import { HomeserverError, HomeserverUnavailable } from '../matrix/errors.ts';
import { parseExactly } from '../stream/exact-json.ts';
import { AnswerTooLarge } from './network-errors.ts';
import type { WholeAnswer } from './whole-answer.ts';

/** A Matrix error has a few hundred bytes, a proxy's error page some thousands. */
const ERROR_BODY_LIMIT = 64 * 1024;

/** Throws the homeserver's own error, or ours for a redirect: none is ever followed. */
export function refuseBadStatus({ status, headers: received, body }: WholeAnswer): void {
  if (status < 300) return;
  if (status < 400)
    throw new HomeserverUnavailable(502, 'The homeserver answered with a redirect, which is not followed');
  const headers: Record<string, string> = {};
  for (const name of ['content-type', 'retry-after']) {
    const value = received[name];
    if (typeof value === 'string') headers[name] = value;
  }
  throw new HomeserverError(status, body, headers);
}

/** The body of an answer that is no success. */
export async function readErrorBody(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > ERROR_BODY_LIMIT) throw new AnswerTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Bytes of an answer → the JSON object that it is. Throws 502 for anything else. */
export function parseObject(body: Buffer): object {
  let value: unknown;
  try {
    value = parseExactly(body.toString());
  } catch (error) {
    throw new HomeserverUnavailable(502, "The homeserver's answer is not JSON", { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HomeserverUnavailable(502, "The homeserver's answer is not a JSON object");
  }
  return value;
}
