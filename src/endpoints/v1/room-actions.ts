import { createTransactions } from '../../caches/transactions.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { bodyOf, pathOf, plainQueryOf } from './body.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/**
 * What is done to rooms, as `POST`, with `{}` for the body `null`, that an old Python client sends and not every homeserver
 * takes. `PUT /createRoom/{txnId}`, `/join/{room}/{txnId}`, `/rooms/{roomId}/{action}/{txnId}` → the same, without the
 * transaction id: a repeated one gets the answer of the first, for half an hour and as long as this process lives.
 *
 * @see reference/native.md §9
 */
export function createRoomActions({ homeserver, sessions, maxBytes }: V1EndpointOptions): V1Endpoint {
  const transactions = createTransactions<JsonObject>({ maxBytes });

  return async ({ route, request, params }) => {
    const session = await sessions.sessionOf(request);
    const segments = fillStars(route.path, params);
    const act = (path: string): Promise<JsonObject> =>
      sessions.withSession(session, () => {
        const query = plainQueryOf(request);
        return homeserver.request(session.caller, { method: 'POST', path, query, body: bodyOf(request) });
      });
    if (route.methods.includes('POST')) return act(pathOf(...segments));
    // Without the request's signal: the answer may be another request's, too.
    const transaction = JSON.stringify([session.key, route.path, ...params]);
    return transactions.once(transaction, () => act(pathOf(...segments.slice(0, -1))));
  };
}

/** A route's path → its segments, with these values for its stars. */
export function fillStars(path: string, values: readonly string[]): string[] {
  let star = 0;
  return path.split('/').map((segment) => (segment === '*' ? (values[star++] ?? '') : segment));
}
