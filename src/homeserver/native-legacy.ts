// The homeserver's own legacy endpoints, for compare mode alone.

import type { Milliseconds } from '../matrix/identifiers.ts';
import type { Connections } from './connections.ts';
import { readWholeAnswer } from './whole-answer.ts';

/** Both sides are asked this: path and query, and who asks, in headers. */
export interface ComparedRequest {
  rawUrl: string;
  headers: Readonly<Record<string, string>>;
}

/**
 * Builds the question to the homeserver itself → the JSON of its answer; undefined where it gives none with status 200,
 * or one above `mostBytes`.
 */
export function createNativeAsker(
  connections: Connections,
  { deadlineMs, mostBytes }: { deadlineMs: Milliseconds; mostBytes: number },
): (request: ComparedRequest) => Promise<unknown> {
  return async ({ rawUrl, headers }) => {
    const { host, ...others } = headers;
    const homeserverHost = connections.hostFor(host);
    const outgoing = {
      origin: connections.origin,
      path: rawUrl,
      method: 'GET' as const,
      headers: { ...others, ...(homeserverHost !== undefined && { host: homeserverHost }) },
    };
    try {
      const limits = { deadlineMs, limit: mostBytes, signal: undefined };
      const { status, body } = await readWholeAnswer(connections.own.rest, outgoing, limits);
      return status === 200 ? (JSON.parse(body.toString()) as unknown) : undefined;
    } catch {
      return undefined;
    }
  };
}
