import { good, note, wrong, type Finding } from './finding.ts';
import type { Visit } from './visit.ts';

/** These paths have to reach Hindsync in either way to deploy it: README "Legacy paths only". */
const LEGACY = [
  ...['api/v1', 'r0', 'v2_alpha'].flatMap((prefix) => [
    `${prefix}/initialSync`,
    `${prefix}/rooms/!a:b/send/m.a`,
  ]),
  'r0/sync',
  'v2_alpha/sync',
  ...['r0', 'v3', 'v1', 'unstable'].flatMap((prefix) => [
    `${prefix}/events`,
    `${prefix}/events/$a:b`,
    `${prefix}/initialSync`,
    `${prefix}/rooms/!a:b/initialSync`,
    `${prefix}/rooms/!a:b/messages`,
    `${prefix}/logout`,
    `${prefix}/logout/all`,
  ]),
].map((path) => `/_matrix/client/${path}`);

/** These reach it where it stands in front of everything. */
const OTHERS = [
  '/_matrix/client/versions',
  '/_matrix/client/v3/sync',
  '/_matrix/client/v3/keys/changes',
  '/_matrix/client/v1/media/download/example.org/a',
  '/_matrix/media/v3/download/example.org/a',
];
const UPLOAD = '/_matrix/media/v3/upload';

/** Which paths reach Hindsync, and whether that makes one of the two ways to deploy it. */
export async function checkRoutes(visit: Visit): Promise<{
  findings: Finding[];
  reaches: { somewhere: boolean; uploads: boolean };
}> {
  const what = 'paths';
  const [legacy, others] = [await split(visit, LEGACY), await split(visit, OTHERS)];
  const uploads = (await split(visit, [UPLOAD])).missing.length === 0;
  const reaches = { somewhere: legacy.arrived.length > 0, uploads };
  if (legacy.arrived.length === 0) {
    const first = await visit.send({ rawUrl: LEGACY[0] ?? '' });
    const says = first.failure?.message ?? `status ${first.answer?.status}, and not from Hindsync`;
    return {
      findings: [
        wrong(
          what,
          `nothing reaches Hindsync: ${LEGACY[0]} gives ${says}`,
          `let the proxy pass these paths to the address in listen, not to the homeserver (README "Two ways to deploy")`,
        ),
      ],
      reaches,
    };
  }
  if (legacy.missing.length > 0) {
    const advice = 'let the proxy pass these to Hindsync too, as in README "Legacy paths only"';
    return { findings: [wrong(what, `do not reach Hindsync: ${list(legacy.missing)}`, advice)], reaches };
  }
  if (others.missing.length === 0 && uploads)
    return { findings: [good(what, 'all reach Hindsync: it stands in front of everything')], reaches };
  const findings = [good(what, 'what old clients need reaches Hindsync, as in "Legacy paths only"')];
  if (others.arrived.length > 0) findings.push(note(what, `also reach it: ${list(others.arrived)}`));
  return { findings, reaches };
}

async function split(
  visit: Visit,
  paths: readonly string[],
): Promise<{ arrived: string[]; missing: string[] }> {
  const sent = await Promise.all(
    paths.map(async (rawUrl) => ({
      rawUrl,
      hasArrived: (await visit.send({ rawUrl })).arrival !== undefined,
    })),
  );
  return {
    arrived: sent.filter(({ hasArrived }) => hasArrived).map(({ rawUrl }) => rawUrl),
    missing: sent.filter(({ hasArrived }) => !hasArrived).map(({ rawUrl }) => rawUrl),
  };
}

const SHOWN = 6;

function list(paths: readonly string[]): string {
  const rest = paths.length - SHOWN;
  return paths.slice(0, SHOWN).join(', ') + (rest > 0 ? `, and ${rest} more` : '');
}
