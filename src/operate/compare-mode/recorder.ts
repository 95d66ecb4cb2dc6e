import type { ClientResponse } from '../../http/client-response.ts';

/** Larger answers are not compared: to hold and parse them would cost more than one learns. */
export const MOST_COMPARED_BYTES = 2 * 1024 * 1024;

export type Recorded = { json: unknown } | 'too large' | 'not comparable';

/**
 * Keeps a copy of what an answer sends, up to a bound, and gives it when all of it was sent: parsed where it is JSON of
 * status 200. Nothing where the client left, or the status is another one.
 */
export function recordAnswer(response: ClientResponse, onRecorded: (recorded: Recorded) => void): void {
  let bytes = 0;
  const parts: Buffer[] = [];
  response.tap((chunk) => {
    bytes += chunk.length;
    if (bytes <= MOST_COMPARED_BYTES) parts.push(Buffer.from(chunk));
    else parts.length = 0;
  });
  response.on('close', () => {
    if (!response.writableFinished || response.statusCode !== 200) return;
    if (bytes > MOST_COMPARED_BYTES) onRecorded('too large');
    else onRecorded(read(Buffer.concat(parts)));
  });
}

/** An answer that is encoded is no JSON either. */
function read(body: Buffer): Recorded {
  try {
    return { json: JSON.parse(body.toString()) };
  } catch {
    return 'not comparable';
  }
}
