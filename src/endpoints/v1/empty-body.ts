import { bodyOf } from './body.ts';
import type { V1Endpoint, V1EndpointOptions } from './route.ts';

/**
 * What needs no body, or did not at the time: passed on, with `{}` for none and for `null`, which an old Python client
 * sends everywhere; homeservers of today take neither.
 *
 * @see reference/clients.md
 */
export function createEmptyBody({ passThrough }: V1EndpointOptions): V1Endpoint {
  return ({ request, reply }) => passThrough(request, reply, { body: bodyOf(request) });
}
