import type { RoomWatch } from '../follow/room-watch.ts';
import type { PlainRequest } from '../homeserver/homeserver.ts';
import { newsOf } from './news-routes.ts';
import type { Answered } from './exchange.ts';

/**
 * Tells those who wait for a room's news when some are made through the gateway: by a request that passes, or by one of
 * ours. No body is read, so what names no room (a federation transaction, a join by alias) may be any room's.
 *
 * @see docs/decisions/previews.md
 */
export function createNewsObserver(watch: Pick<RoomWatch, 'expect'>): (answered: Answered) => void {
  return ({ method, rawUrl, status }) => {
    if (status < 200 || status >= 300) return;
    const room = newsOf(method, rawUrl);
    if (room !== undefined) watch.expect(room);
  };
}

/** Observes the requests of the old prefixes, which are reshaped: it is told of each that was answered with 2xx. */
export function createRequestObserver(watch: Pick<RoomWatch, 'expect'>): (request: PlainRequest) => void {
  return ({ method, path }) => {
    const room = newsOf(method, `/_matrix/client/v3/${path}`);
    if (room !== undefined) watch.expect(room);
  };
}
