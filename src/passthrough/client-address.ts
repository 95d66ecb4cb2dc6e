// Who a client is by its address, where something is given for that address: in doubt nobody.

import type { IncomingMessage } from 'node:http';
import { compile } from '@fastify/proxy-addr';
import { toAddress } from '../http/forwarded.ts';
import type { Peer } from '../http/forwarded.ts';

/** Headers that proxies add. If no trusted proxy says for whom the request is, it came from somebody we do not know. */
const SIGNS_OF_A_PROXY = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'forwarded',
  'via',
];

/**
 * Builds the reader of a client's IP address: the connection's own, or behind trusted proxies the last one of
 * `X-Forwarded-For` that is not such a proxy, as all before it are the client's own words.
 *
 * Undefined where it is not known: on a Unix socket, and for a request that a proxy has touched which is not trusted or
 * does not say for whom. What a trusted proxy wrote is given as it is, also where it is no address.
 */
export function createClientAddressReader(
  trustedProxies: readonly string[],
): (request: IncomingMessage, peer: Peer) => string | undefined {
  const isTrusted = compile([...trustedProxies]);
  return ({ headers }, peer) => {
    const forwardedFor = headers['x-forwarded-for'];
    if (!peer.isTrusted || forwardedFor === undefined)
      return SIGNS_OF_A_PROXY.some((name) => headers[name] !== undefined) ? undefined : peer.address;
    // Empty entries stay: a proxy that does not know its client must not make us believe the entry before.
    const hops = String(forwardedFor).split(',').map(toAddress);
    return hops.findLast((hop) => !isTrusted(hop, 0)) ?? hops[0];
  };
}
