import { good, wrong, type Finding } from './finding.ts';
import type { Outcome, Visit } from './visit.ts';

/** Ids as clients send them: as they are, escaped, and with what a proxy likes to tidy. */
const PATHS = [
  '/_matrix/client/v3/rooms/!doctor:example.org/initialSync',
  '/_matrix/client/v3/rooms/%21doctor%3Aexample.org/initialSync',
  '/_matrix/client/v3/events/$a+b:example.org',
  '/_matrix/client/r0/events/%24a%2Bb%3Aexample.org',
  '/_matrix/client/r0/rooms/%21a%25b%20c%3Aexample.org/initialSync',
  '/_matrix/client/v3/events?from=s1_2%2B3&filter=%7B%22a%22%3A%221+1%22%7D',
];
/** Event ids of room version 3 have slashes. */
const WITH_SLASH = '/_matrix/client/r0/events/%24a%2Fb';

const ADVICE =
  'nginx: no path, not even /, behind the port in proxy_pass. Apache: nocanon at the end of ProxyPass, and AllowEncodedSlashes NoDecode. A proxy must not decode or tidy the URI';

/** Whether paths and queries arrive byte for byte. */
export async function checkIds(visit: Visit): Promise<Finding[]> {
  const changed: string[] = [];
  for (const rawUrl of [...PATHS, WITH_SLASH]) {
    const outcome = await visit.send({ rawUrl });
    const fault = faultOf(rawUrl, outcome);
    if (fault !== undefined) changed.push(fault);
  }
  if (changed.length === 0) return [good('ids', 'raw and escaped ids arrive as they were sent')];
  return [wrong('ids', `do not arrive as they were sent: ${changed.join('; ')}`, ADVICE)];
}

function faultOf(rawUrl: string, { answer, failure, arrival }: Outcome): string | undefined {
  const sent = rawUrl.replace('/_matrix/client', '');
  if (arrival === undefined)
    return `${sent} is answered by the proxy itself (${failure?.message ?? `status ${answer?.status}`})`;
  return arrival.rawUrl === rawUrl
    ? undefined
    : `${sent} arrives as ${arrival.rawUrl.replace('/_matrix/client', '')}`;
}
