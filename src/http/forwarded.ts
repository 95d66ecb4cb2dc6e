// X-Forwarded-* say who asked; these functions decide how much of them to believe, and what to tell the homeserver.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { compile } from '@fastify/proxy-addr';

/** The other end of a client's connection. */
export interface Peer {
  /** Its IP address; undefined on a Unix socket. */
  readonly address: string | undefined;
  /** Whether it is a proxy whose X-Forwarded-* are believed. */
  readonly isTrusted: boolean;
}

/** Builds the look-up of a connection's peer; `trustedProxies` are addresses, networks, or `loopback` and the like. */
export function createPeerLookup(trustedProxies: readonly string[]): (socket: Socket) => Peer {
  const isTrusted = compile([...trustedProxies]);
  const peers = new WeakMap<Socket, Peer>();
  return (socket) => {
    const known = peers.get(socket);
    if (known !== undefined) return known;
    const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '');
    const peer = { address, isTrusted: address !== undefined && isTrusted(address, 0) };
    peers.set(socket, peer);
    return peer;
  };
}

/**
 * Tells whether a header is replaced by ours: every header that says where a request came from, unless a trusted proxy
 * sent it. `name` is in lower case.
 *
 * Names with an underscore go too, as in nginx: some servers read `X_Forwarded_For` as the name with hyphens.
 */
export function isReplaced(name: string, peer: Peer): boolean {
  return (
    !peer.isTrusted &&
    (name.startsWith('x-forwarded-') || name === 'forwarded' || name === 'x-real-ip' || name.includes('_'))
  );
}

/** Returns the `X-Forwarded-For` for the homeserver: addresses alone, the peer last; undefined where nothing is known. */
export function forwardedForOf(request: IncomingMessage, peer: Peer): string | undefined {
  const received = peer.isTrusted ? request.headers['x-forwarded-for'] : undefined;
  if (received === undefined || received === '') return peer.address;
  const hops = String(received).split(',').map(toAddress);
  return [...hops, peer.address ?? []].flat().join(', ');
}

/**
 * An entry of `X-Forwarded-For` → its address: some balancers add the port (`192.0.2.17:51234`, `[2001:db8::5]:4711`), and
 * put IPv6 in brackets. What is neither is given as it is.
 */
export function toAddress(entry: string): string {
  const hop = entry.trim();
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([^:]+):\d+$/.exec(hop)?.[1] ?? hop;
}

/** Returns the `X-Forwarded-Proto` for the homeserver: a trusted proxy's, else the scheme of our own listener. */
export function forwardedProtoOf(request: IncomingMessage, peer: Peer): string {
  const received = peer.isTrusted ? request.headers['x-forwarded-proto'] : undefined;
  return typeof received === 'string' ? received : 'http';
}
