// One request of the doctor's, as raw as a client's: no redirect is followed, no path is tidied, nothing is retried.

import { Agent, buildConnector } from 'undici';
import type { Milliseconds } from '../matrix/identifiers.ts';

export interface Question {
  /** `http(s)://host:port` or `unix:/path`. */
  origin: string;
  method?: 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'HEAD';
  /** Path and query, sent byte for byte. */
  rawUrl: string;
  headers?: Record<string, string>;
  body?: AsyncIterable<Buffer> | string;
  deadlineMs: Milliseconds;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body's text, at most `MOST_BYTES` of it. */
  text: string;
  /** Until the body's first byte, and until its last. */
  firstByteMs: Milliseconds;
  totalMs: Milliseconds;
}

/** Why there was no answer, in words that an operator can act on. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const MOST_BYTES = 4 * 1024 * 1024;

/** Sends one request, and reads its whole answer within the deadline. Throws `NoAnswer` where none came, or not whole. */
export async function ask(question: Question): Promise<Answer> {
  const { origin, method = 'GET', rawUrl, headers = {}, body, deadlineMs } = question;
  const socketPath = origin.startsWith('unix:') ? origin.slice('unix:'.length) : undefined;
  const connect = buildConnector({
    timeout: deadlineMs,
    rejectUnauthorized: true,
    allowH2: false,
    ...(socketPath !== undefined && { socketPath }),
  });
  const dispatcher = new Agent({ connect, headersTimeout: 0, bodyTimeout: 0, pipelining: 0, allowH2: false });
  const startedAt = performance.now();
  const since = (): Milliseconds => performance.now() - startedAt;
  try {
    const answer = await dispatcher.request({
      origin: socketPath === undefined ? origin : 'http://localhost',
      method,
      path: rawUrl,
      headers,
      ...(body !== undefined && { body: body as string }),
      signal: AbortSignal.timeout(deadlineMs),
    });
    const parts: Buffer[] = [];
    let firstByteMs: Milliseconds | undefined;
    let bytes = 0;
    for await (const part of answer.body) {
      firstByteMs ??= since();
      bytes += (part as Buffer).length;
      if (bytes <= MOST_BYTES) parts.push(part as Buffer);
    }
    const totalMs = since();
    const text = Buffer.concat(parts).toString();
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text,
      firstByteMs: firstByteMs ?? totalMs,
      totalMs,
    };
  } catch (error) {
    throw new NoAnswer(explain(error, deadlineMs), { cause: error });
  } finally {
    await dispatcher.destroy();
  }
}

/** A JSON text → its value; undefined for all else. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at this address',
  ENOTFOUND: 'the name is not known to the resolver of names',
  EAI_AGAIN: 'the resolver of names does not answer',
  EHOSTUNREACH: 'there is no way to this address',
  ENETUNREACH: 'there is no way to this address',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be opened by this user',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its TLS certificate is self-signed, so it is not trusted (NODE_EXTRA_CA_CERTS names one that is)',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its TLS certificate is of an authority that is not trusted (NODE_EXTRA_CA_CERTS names one that is)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its TLS certificate cannot be verified: the intermediate certificate is missing, or its authority is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its TLS certificate cannot be verified: the intermediate certificate is missing, or its authority is not trusted',
  EPROTO: 'it does not speak TLS there (is it http://?)',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there (is it http://?)',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there (is it http://?)',
  ECONNRESET: 'the connection was closed before the answer was whole',
  UND_ERR_SOCKET: 'the connection was closed before the answer was whole',
  EPIPE: 'the connection was closed before the request was sent',
};

function explain(error: unknown, deadlineMs: Milliseconds): string {
  const { name, code = '', message } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'UND_ERR_CONNECT_TIMEOUT')
    return `no answer within ${deadlineMs / 1000} s`;
  if (code.startsWith('HPE_')) return 'what it says is no HTTP/1.1';
  return WORDS[code] ?? message;
}
