import { createHash, randomUUID } from 'node:crypto';
import { isTransient } from '../../matrix/errors.ts';
import { toRawPath } from '../../http/raw-url.ts';
import { bodyOf, plainQueryOf } from './body.ts';
import type { Endpoint, SessionCall } from '../route.ts';
import type { Services } from '../services.ts';

/**
 * `POST /rooms/{roomId}/send/{type}` and `…/redact/{eventId}` → the PUT with a transaction id of ours.
 *
 * The id is new each time, so that who says the same twice is heard twice; but where the answer did not reach the client,
 * as it left or got a 5xx, an equal request of the same session within five minutes is a repetition and has the same id.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createSending({ lostSends }: Services, what: 'send' | 'redact'): Endpoint<SessionCall> {
  return async ({ request, reply, session, params: [roomId = '', subject = ''] }) => {
    const body = bodyOf(request);
    const query = plainQueryOf(request);
    const send = digest(session.key, what, roomId, subject, query.toString(), body);
    const txnId = lostSends.take(send) ?? `hindsync-${randomUUID()}`;
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) lostSends.keep(send, txnId);
    });
    try {
      // Without the request's signal: what was sent is sent, whether or not the client waits.
      const path = toRawPath('rooms', roomId, what, subject, txnId);
      return await session.account.until().request({ method: 'PUT', path, query, body });
    } catch (error) {
      if (isTransient(error)) lostSends.keep(send, txnId);
      throw error;
    }
  };
}

function digest(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(String(part.length)).update(':').update(part);
  return hash.digest('base64url');
}
