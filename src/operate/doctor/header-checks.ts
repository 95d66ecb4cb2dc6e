import { ask } from '../ask.ts';
import { good, look, note, wrong, type Finding } from './finding.ts';
import type { Visit } from './visit.ts';

const EVENTS = '/_matrix/client/v3/events';

/** Whether an access token arrives, in the query as old clients send it and in the header as all others do; and `Host`. */
export async function checkTokens(visit: Visit): Promise<Finding[]> {
  const token = `doctor-${visit.nonce}`;
  const inQuery = await visit.send({ rawUrl: `${EVENTS}?access_token=${token}` });
  const inHeader = await visit.send({ rawUrl: EVENTS, headers: { authorization: `Bearer ${token}` } });
  const findings: Finding[] = [];
  const lost = [
    ...(inQuery.arrival?.rawUrl.includes(`access_token=${token}`) === true
      ? []
      : ['?access_token= in the query']),
    ...(inHeader.arrival?.authorization === `Bearer ${token}` ? [] : ['the header Authorization']),
  ];
  findings.push(
    lost.length === 0
      ? good('access tokens', 'arrive, in the query and in the header')
      : wrong(
          'access tokens',
          `do not arrive: ${lost.join(' and ')}`,
          'the proxy must pass the query and all headers on',
        ),
  );
  const { host } = new URL(visit.origin);
  const arrived = inHeader.arrival?.host ?? '';
  findings.push(
    arrived === host
      ? good('Host', `arrives as ${host}`)
      : look(
          'Host',
          `arrives as ${arrived === '' ? 'nothing' : arrived}, asked for was ${host}; logins by SSO may go round and round`,
          'nginx: proxy_set_header Host $http_host. Apache: ProxyPreserveHost On. Or set host_header (docs/operating.md "Hosts")',
        ),
  );
  return findings;
}

/** Whether a browser's preflight is answered, and once. */
export async function checkCors({ origin }: Visit): Promise<Finding> {
  const headers = {
    origin: 'https://app.example.org',
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization',
  };
  const answer = await ask({ origin, method: 'OPTIONS', rawUrl: EVENTS, headers, deadlineMs: 10_000 }).catch(
    () => undefined,
  );
  const allowed = answer?.headers['access-control-allow-origin'];
  const advice =
    'let the proxy pass OPTIONS on, and add no Access-Control-… of its own: Hindsync and the homeserver send them';
  if (answer === undefined || answer.status >= 300)
    return wrong(
      'CORS',
      `a preflight gets ${answer === undefined ? 'no answer' : `status ${answer.status}`}`,
      advice,
    );
  if (allowed === undefined) return wrong('CORS', 'the answer to a preflight allows no origin', advice);
  if (Array.isArray(allowed) || allowed.includes(','))
    return wrong('CORS', 'Access-Control-Allow-Origin comes twice, which browsers refuse', advice);
  return good('CORS', 'a preflight is answered');
}

/** An address that nobody has (RFC 5737). */
const FORGED = '203.0.113.9';

/** Whom Hindsync takes for the client, and whether a client can choose that. */
export async function checkClientAddress(visit: Visit): Promise<Finding[]> {
  const what = 'client address';
  const { arrival } = await visit.send({ rawUrl: EVENTS });
  const { arrival: forged } = await visit.send({ rawUrl: EVENTS, headers: { 'x-forwarded-for': FORGED } });
  if (arrival === undefined || forged === undefined) return [];
  const { peerAddress, isPeerTrusted, forwardedFor, clientAddress } = arrival;
  if (forwardedFor !== '' && !isPeerTrusted) {
    const says = `X-Forwarded-For of ${peerAddress} is not believed, so everybody looks like ${peerAddress}`;
    return [wrong(what, says, `if that is your proxy, add it to trusted_proxies`)];
  }
  if (forged.forwardedFor === FORGED && isPeerTrusted) {
    const says =
      'what a client says in X-Forwarded-For arrives as it is and is believed: anybody can claim any address';
    return [
      wrong(
        what,
        says,
        'let the proxy set the header: nginx proxy_set_header X-Forwarded-For $remote_addr; or set trusted_proxies to none where there is no proxy',
      ),
    ];
  }
  if (forwardedFor === '' && forged.forwardedFor === FORGED)
    return [
      note(
        what,
        `nobody adds X-Forwarded-For; clients are seen as ${clientAddress || peerAddress}, where their connection comes from`,
      ),
    ];
  if (forwardedFor === '') {
    const says = `the proxy does not say for whom it asks: everybody looks like ${peerAddress}`;
    return [
      look(what, says, 'nginx: proxy_set_header X-Forwarded-For $remote_addr; Apache does it by itself'),
    ];
  }
  return [good(what, `this machine is seen as ${clientAddress}`)];
}
