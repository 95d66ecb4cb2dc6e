// What a proxy does to requests and answers that take long or are large.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import { good, look, wrong, type Finding } from './finding.ts';
import type { Outcome, Visit } from './visit.ts';

/** Whether a long poll is left alone for as long as that. */
export async function checkPolls(visit: Visit, pollsMs: readonly Milliseconds[]): Promise<Finding[]> {
  const outcomes = await Promise.all(pollsMs.map((waitMs) => poll(visit, waitMs)));
  const whole = outcomes.filter(({ outcome }) => outcome.isAnswered).map(({ waitMs }) => seconds(waitMs));
  const cut = outcomes.find(({ outcome }) => !outcome.isAnswered);
  if (cut === undefined) return [good('long polls', `of ${whole.join(' and ')} are answered`)];
  const { answer, failure, tookMs } = cut.outcome;
  const how = failure?.message ?? `status ${answer?.status}`;
  return [
    wrong(
      'long polls',
      `one of ${seconds(cut.waitMs)} is cut after ${seconds(tookMs)} (${how}), and old clients stop at that`,
      'let the proxy wait longer: nginx proxy_read_timeout 11m, Apache ProxyTimeout 660 or timeout=660 in ProxyPass',
    ),
  ];
}

async function poll(visit: Visit, waitMs: Milliseconds): Promise<{ waitMs: Milliseconds; outcome: Outcome }> {
  const rawUrl = `/_matrix/client/v3/events?timeout=${waitMs}`;
  return { waitMs, outcome: await visit.send({ rawUrl, order: { waitMs }, deadlineMs: waitMs + 15_000 }) };
}

const MB = 1024 * 1024;
/** The upload stops for so long after its first part: a proxy that streams passes that on. */
const UPLOAD_PAUSE_MS: Milliseconds = 600;

/** Whether a large upload arrives, and whether its beginning does before its end is sent. */
export async function checkUpload(visit: Visit, bytes: number): Promise<Finding[]> {
  const outcome = await visit.send({
    method: 'POST',
    rawUrl: '/_matrix/media/v3/upload',
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes) },
    body: inParts(bytes),
    deadlineMs: 60_000,
  });
  const what = 'uploads';
  const size = `${Math.round(bytes / MB)} MB`;
  if (outcome.arrival === undefined || outcome.arrival.bodyBytes < bytes) {
    const how = outcome.failure?.message ?? `status ${outcome.answer?.status}`;
    return [
      wrong(
        what,
        `one of ${size} is refused before it is whole at Hindsync (${how})`,
        'nginx: client_max_body_size 100m; as large as the homeserver allows',
      ),
    ];
  }
  if (outcome.arrival.bodyMs >= UPLOAD_PAUSE_MS / 2)
    return [good(what, `${size} arrive, and while they are being sent`)];
  return [
    look(
      what,
      `${size} arrive, but only once the proxy has all of it`,
      'nginx: proxy_request_buffering off; it saves its disk and half of the time',
    ),
  ];
}

async function* inParts(bytes: number): AsyncGenerator<Buffer> {
  const part = Buffer.alloc(MB);
  for (let sent = 0; sent < bytes; sent += MB) {
    yield part.subarray(0, Math.min(MB, bytes - sent));
    if (sent === 0) await new Promise((resolve) => setTimeout(resolve, UPLOAD_PAUSE_MS));
  }
}

const DRIP_MS: Milliseconds = 1000;

/** Whether the first byte of an answer is passed on before its last. */
export async function checkBuffering(visit: Visit): Promise<Finding> {
  const rawUrl = '/_matrix/client/v3/initialSync';
  const { answer, isAnswered } = await visit.send({ rawUrl, order: { waitMs: DRIP_MS, isDripping: true } });
  if (isAnswered && answer !== undefined && answer.totalMs - answer.firstByteMs > DRIP_MS / 2)
    return good('buffering', 'answers are passed on while they are made');
  return look(
    'buffering',
    'the proxy holds answers back until they are whole, large ones on its disk',
    'nginx: proxy_buffering off',
  );
}

const seconds = (durationMs: Milliseconds): string => `${Math.round(durationMs / 100) / 10} s`;
