// What the doctor and the gateway say to each other through a reverse proxy.

import type { Milliseconds } from '../../matrix/identifiers.ts';

/** Names the visit that a request belongs to, and how it is to be answered; in the answer: that Hindsync gave it. */
export const PROBE_HEADER = 'x-hindsync-doctor';

/** How a probe is to be answered. */
export interface ProbeOrder {
  nonce: string;
  /** Which probe of the visit it is. */
  id: number;
  /** How long to wait: before the answer, or in the midst of it. */
  waitMs: Milliseconds;
  /** Whether the first byte goes out before the wait. */
  isDripping: boolean;
}

/** A request of the doctor's as the gateway received it. */
export interface Arrival {
  /** That of its order. */
  id: number;
  method: string;
  rawUrl: string;
  host: string;
  /** The doctor's own, which is no access token. */
  authorization: string;
  forwardedFor: string;
  /** The other end of the connection: the proxy, or the client. */
  peerAddress: string;
  /** Whether `trusted_proxies` has it. */
  isPeerTrusted: boolean;
  /** Who is taken for the client; empty where that is not known. */
  clientAddress: string;
  bodyBytes: number;
  /** The time from the body's first byte to its last. */
  bodyMs: Milliseconds;
}

/** An order → the text of the header. */
export function writeProbe({ nonce, id, waitMs, isDripping }: ProbeOrder): string {
  return `${nonce};${id};${isDripping ? 'drip' : 'wait'}=${waitMs}`;
}

/** The header → the order in it; undefined for anything else. */
export function readProbe(header: string | string[] | undefined): ProbeOrder | undefined {
  const [, nonce, id, way, waitMs] =
    /^([\da-f]{32});(\d{1,6});(wait|drip)=(\d{1,6})$/.exec(String(header ?? '')) ?? [];
  if (nonce === undefined) return undefined;
  return { nonce, id: Number(id), waitMs: Number(waitMs), isDripping: way === 'drip' };
}
