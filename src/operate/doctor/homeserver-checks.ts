// Whether the homeserver is there, and has what the endpoints are built from.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import { ask, jsonOf, NoAnswer, type Answer } from '../ask.ts';
import { good, look, note, wrong, type Finding } from './finding.ts';

export interface HomeserverToCheck {
  homeserverUrl: string;
  /** Tells which kind the gateway would take it for. */
  readKind: () => Promise<string>;
  /** How long each request may take. */
  deadlineMs: Milliseconds;
}

interface Versions {
  versions: string[];
  unstable_features?: Record<string, unknown>;
  server?: { name?: unknown; version?: unknown };
}

const VERSIONS = '/_matrix/client/versions';
const TIMES_ASKED = 5;
/** Above which every answer of the gateway's is felt to be slow. */
const SLOW_MS: Milliseconds = 250;

/** Asks the homeserver a few harmless questions, and says what will work. */
export async function checkHomeserver(homeserver: HomeserverToCheck): Promise<Finding[]> {
  const { homeserverUrl: origin, deadlineMs } = homeserver;
  const where = `homeserver_url (${origin})`;
  let answer: Answer;
  try {
    answer = await ask({ origin, rawUrl: VERSIONS, deadlineMs });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const advice = `is the homeserver running, and is ${where} where its client API listens, seen from this machine?`;
    return [wrong('homeserver', error.message, advice)];
  }
  const versions = readVersions(answer);
  if (versions === undefined) return [notAHomeserver(answer, where)];
  return [
    good(
      'homeserver',
      `answers at ${origin}${origin.startsWith('https') ? ', its TLS certificate is good' : ''}`,
    ),
    await checkSpeed(origin, deadlineMs),
    await checkKind(homeserver, versions),
    ...checkPromises(versions),
  ];
}

function readVersions({ status, text }: Answer): Versions | undefined {
  const value = jsonOf(text);
  if (status !== 200 || typeof value !== 'object' || value === null) return undefined;
  const { versions } = value as { versions?: unknown };
  return Array.isArray(versions) ? (value as Versions) : undefined;
}

/** Says what answers in the homeserver's place. */
function notAHomeserver({ status, headers, text }: Answer, where: string): Finding {
  const what = 'homeserver';
  const lines = `${where} must be the homeserver's own client API, as http://127.0.0.1:8008`;
  if (status >= 300 && status < 400) {
    const target = String(headers['location'] ?? 'nowhere');
    return wrong(what, `it redirects ${VERSIONS} to ${target}`, `Hindsync follows no redirect: ${lines}`);
  }
  if (/^\s*</.test(text)) {
    const page = /<input[^>]+type=["']?password/i.test(text) ? 'a login page' : 'a web page';
    return wrong(what, `it answers ${VERSIONS} with ${page} (status ${status})`, lines);
  }
  if (status !== 200) {
    const known = status === 404 ? ', so no homeserver is there or its client API is on another port' : '';
    return wrong(what, `it answers ${VERSIONS} with status ${status}${known}`, lines);
  }
  const isJson = jsonOf(text) !== undefined;
  return wrong(
    what,
    isJson ? `its answer to ${VERSIONS} names no versions, so it is no homeserver` : 'its answer is no JSON',
    lines,
  );
}

async function checkSpeed(origin: string, deadlineMs: Milliseconds): Promise<Finding> {
  const times: Milliseconds[] = [];
  for (let i = 0; i < TIMES_ASKED; i += 1) {
    const answer = await ask({ origin, rawUrl: VERSIONS, deadlineMs }).catch(() => undefined);
    times.push(answer?.totalMs ?? Number.POSITIVE_INFINITY);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(TIMES_ASKED / 2)] ?? 0;
  const says = `a small answer takes ${Math.round(median)} ms on a new connection`;
  if (median < SLOW_MS) return good('speed', says);
  return look('speed', says, 'run Hindsync nearer to the homeserver, or find out what keeps it busy');
}

async function checkKind(
  { homeserverUrl: origin, readKind, deadlineMs }: HomeserverToCheck,
  versions: Versions,
) {
  const federation = await ask({ origin, rawUrl: '/_matrix/federation/v1/version', deadlineMs }).catch(
    () => undefined,
  );
  const told = jsonOf(federation?.text ?? '') as
    { server?: { name?: unknown; version?: unknown } } | undefined;
  const { name, version } = { ...told?.server, ...versions.server };
  const called =
    typeof name === 'string' ? `${name} ${String(version ?? '')}`.trim() : 'it does not say what it is';
  const kind = await readKind().catch(() => 'careful');
  if (kind !== 'careful') return good('kind', `${called}, treated as ${kind}`);
  return look(
    'kind',
    `${called}: of no kind that Hindsync knows, so it is treated with most care, which takes more calls`,
    'set homeserver_kind if you know which kind it is like; docs/homeservers.md says what each can do',
  );
}

/** Each promise of `/versions`, with what needs it. */
function checkPromises({ versions, unstable_features: features = {} }: Versions): Finding[] {
  const minor = Math.max(
    -1,
    ...versions.map((version) => Number(/^v1\.(\d{1,4})$/.exec(String(version))?.[1] ?? -1)),
  );
  const hasR0 = versions.some((version) => String(version).startsWith('r0.'));
  const hasMedia = minor >= 11 || features['org.matrix.msc3916.stable'] === true;
  const hasSlidingSync = features['org.matrix.simplified_msc3575'] === true;
  return [
    minor < 0 && !hasR0
      ? wrong(
          'prefixes',
          'neither r0 nor v3 is promised',
          'this homeserver is older than what Hindsync is built on',
        )
      : good(
          'prefixes',
          hasR0 && minor >= 0
            ? 'r0 and v3 (for all that passes)'
            : `${hasR0 ? 'r0' : 'v3'} alone; the other becomes it`,
        ),
    hasMedia
      ? good('media', 'with access token (Matrix 1.11): old media paths are answered for who has a token')
      : note('media', 'no media with access token (Matrix 1.11): old media paths pass unchanged'),
    hasSlidingSync
      ? good('sliding sync', 'simplified: receipts and tags in /rooms/{roomId}/initialSync of a joined room')
      : note('sliding sync', 'none: /rooms/{roomId}/initialSync of a joined room has tags, and no receipts'),
  ];
}
