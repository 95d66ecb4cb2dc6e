// The reverse proxy in front, as a client meets it.

import { isIP } from 'node:net';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { ask, jsonOf, NoAnswer } from '../ask.ts';
import { checkClientAddress, checkCors, checkTokens } from './header-checks.ts';
import { good, note, wrong, type Finding } from './finding.ts';
import { checkIds } from './id-checks.ts';
import { checkRoutes } from './route-checks.ts';
import { checkBuffering, checkPolls, checkUpload } from './stream-checks.ts';
import { openVisit, type Visit } from './visit.ts';

export interface ProxyToCheck {
  /** `https://matrix.example.org`. */
  publicUrl: string;
  /** The internal address of the gateway that runs behind it. */
  internalUrl: string;
  deadlineMs: Milliseconds;
  /** How long polls must be able to wait. */
  pollsMs: readonly Milliseconds[];
  /** The size of an upload that must come through. */
  uploadBytes: number;
}

/** Sends requests through the proxy that only a gateway with an open visit answers, and says what is wrong with them. */
export async function checkProxy(proxy: ProxyToCheck): Promise<Finding[]> {
  const { publicUrl, internalUrl, deadlineMs } = proxy;
  const origin = new URL(publicUrl).origin;
  let visit: Visit;
  try {
    visit = await openVisit({ origin, internalUrl, deadlineMs });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const advice =
      'start Hindsync with these settings, and run the doctor where its internal_listen can be reached: it tells what arrived';
    return [wrong('internal listener', `${internalUrl}: ${error.message}`, advice)];
  }
  try {
    const { findings, reaches } = await checkRoutes(visit);
    if (!reaches.somewhere) return findings;
    // A poll of 70 s is long enough to do all else beside it.
    const polls = checkPolls(visit, proxy.pollsMs);
    findings.push(...(await checkIds(visit)), ...(await checkTokens(visit)), await checkCors(visit));
    findings.push(...(await checkClientAddress(visit)));
    findings.push(
      ...(reaches.uploads
        ? await checkUpload(visit, proxy.uploadBytes)
        : [note('uploads', 'go to the homeserver without Hindsync, and were not tried')]),
    );
    findings.push(await checkBuffering(visit), ...(await polls), await checkExposure(visit, internalUrl));
    return findings;
  } finally {
    await visit.end();
  }
}

/** Whether the internal listener can be reached from where clients are. */
async function checkExposure({ origin, nonce }: Visit, internalUrl: string): Promise<Finding> {
  const what = 'internal listener';
  const rawUrl = `/doctor/${nonce}`;
  const isThere = async (at: string): Promise<boolean> => {
    const answer = await ask({ origin: at, rawUrl, deadlineMs: 5000 }).catch(() => undefined);
    return Array.isArray((jsonOf(answer?.text ?? '') as { arrivals?: unknown } | undefined)?.arrivals);
  };
  const { hostname } = new URL(origin);
  const { port } = new URL(internalUrl);
  const advice = 'bind internal_listen to 127.0.0.1 or to a network of your own, and let no proxy pass to it';
  if (await isThere(origin)) return wrong(what, `the proxy passes ${origin}/ on to it`, advice);
  if (isLoopback(hostname))
    return note(what, 'the public address is on this machine, so whether others reach it cannot be told');
  if (await isThere(`http://${hostname}:${port}`))
    return wrong(what, `can be reached at http://${hostname}:${port}`, advice);
  return good(what, `is not to be reached at ${hostname}:${port}`);
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}
