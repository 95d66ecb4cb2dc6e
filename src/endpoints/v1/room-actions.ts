import { toRawPath } from '../../http/raw-url.ts';
import type { Endpoint, SessionCall } from '../route.ts';
import type { Services } from '../services.ts';
import { fillStars } from '../../http/route-pattern.ts';
import { bodyOf, plainQueryOf } from './body.ts';

/**
 * `PUT /createRoom/{txnId}`, `/join/{room}/{txnId}`, `/rooms/{roomId}/{action}/{txnId}` → the same as `POST`, without the
 * transaction id: a repeated one gets the answer of the first, for half an hour and as long as this process lives.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createRoomActions({ transactions }: Services, pattern: string): Endpoint<SessionCall> {
  return async ({ prefix, request, params, session }) => {
    const path = toRawPath(...fillStars(pattern, params).slice(0, -1));
    const call = { method: 'POST', path, query: plainQueryOf(request), body: bodyOf(request) } as const;
    // Without the request's signal: the answer may be another request's, too.
    return transactions.once(JSON.stringify([session.key, prefix, pattern, ...params]), () =>
      session.account.until().request(call),
    );
  };
}
