import type { MatrixError } from '../../../../src/matrix/errors.ts';
import { type Call, get, type Route } from '../../../../src/sandbox/routes/route.ts';

/** A route's own handler → another one; undefined: the homeserver does not have the route. */
export type Change = ((own: Route['handle']) => Route['handle']) | undefined;

/** Routes with some of the GETs changed, by path. */
export function changeRoutes(routes: readonly Route[], changes: Readonly<Record<string, Change>>): Route[] {
  return routes.flatMap((route) => {
    if (route.method !== 'GET' || !Object.hasOwn(changes, route.path)) return [route];
    const change = changes[route.path];
    return change === undefined ? [] : [{ ...route, handle: change(route.handle) }];
  });
}

export interface Naming {
  /** Whether it says its name to clients as well, or to other homeservers alone. */
  toClients: boolean;
  /** By default always. */
  isFederating?: () => boolean;
  /** What it answers other homeservers where it does not federate. */
  withoutFederation?: MatrixError;
  /** What it lists for clients; by default what the sandbox lists. */
  versions?: readonly string[];
}

/** How a homeserver names itself. */
export function named(name: string, naming: Naming): Record<string, Change> {
  const { toClients, isFederating, withoutFederation, versions } = naming;
  const server = { name, version: '1' };
  return {
    '/_matrix/client/versions': (own) => async (call) => ({
      ...((await own(call)) as object),
      ...(versions !== undefined && { versions }),
      server: toClients ? server : undefined,
    }),
    '/_matrix/federation/v1/version': () => () => {
      if (withoutFederation !== undefined && isFederating?.() === false) throw withoutFederation;
      return { server };
    },
  };
}

/** A route that the sandbox itself does not have, for whoever shows an access token. */
export const alsoGet = (path: string, handle: Route['handle']): Route => get(path, handle, 'guests too');

/** A call with some parameters of its query changed; undefined takes one away. */
export function withQuery(call: Call, changes: Readonly<Record<string, string | undefined>>): Call {
  const query = new URLSearchParams(call.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) query.delete(name);
    else query.set(name, value);
  }
  return { ...call, query };
}
