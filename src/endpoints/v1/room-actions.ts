import { toRawPath } from '../../http/raw-url.ts';
import { bodyOf, plainQueryOf } from './body.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/**
 * `PUT /createRoom/{txnId}`, `/join/{room}/{txnId}`, `/rooms/{roomId}/{action}/{txnId}` → the same as `POST`, without the
 * transaction id: a repeated one gets the answer of the first, for half an hour and as long as this process lives.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createRoomActions({
  homeserver,
  sessions,
  transactions,
  oldPrefix,
}: V1EndpointOptions): V1Endpoint {
  return async ({ route, request, params }) => {
    // The answer of a repeated transaction comes from memory.
    const session = await sessions.checkedSessionOf(request);
    const path = toRawPath(...fillStars(route.path, params).slice(0, -1));
    const call = { method: 'POST', path, query: plainQueryOf(request), body: bodyOf(request) } as const;
    // Without the request's signal: the answer may be another request's, too.
    return transactions.once(JSON.stringify([session.key, oldPrefix, route.path, ...params]), () =>
      sessions.withSession(session, () => homeserver.request(session.caller, call)),
    );
  };
}

/** A route's path → its segments, with these values for its stars. */
export function fillStars(path: string, values: readonly string[]): string[] {
  let star = 0;
  return path.split('/').map((segment) => (segment === '*' ? (values[star++] ?? '') : segment));
}
