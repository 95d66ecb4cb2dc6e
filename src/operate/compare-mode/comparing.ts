// One request that was answered, asked again of the other side, and compared.

import { compare, type Difference } from '../compare.ts';
import { isObject, type ComparedEndpoint } from '../comparable.ts';
import { alignEvents } from './aligned-events.ts';
import { EXPECTED } from './expected.ts';

export interface AnsweredRequest {
  endpoint: ComparedEndpoint;
  /** Path and query, without an access token. */
  rawUrl: string;
  /** Who gave the client's answer. */
  answeredBy: 'ours' | 'native';
  answer: unknown;
  /** Called when both have answered. */
  userIdOf: () => string;
}

/** Both answers, as far as they can be compared, and where they differ for no reason that has a name. */
export interface ComparedAnswers {
  native: unknown;
  ours: unknown;
  unnamed: Difference[];
}

/** Asks the other side → its JSON; undefined where it gave none with status 200. */
export type AskOther = (rawUrl: string) => Promise<unknown>;

/** It takes at most so many polls to come to *now*. */
const MOST_POLLS = 10;
const EVENTS_A_POLL = 500;

/** Resolves with what differs and nobody named; undefined where the other side did not answer. */
export async function compareWithOther(
  request: AnsweredRequest,
  askOther: AskOther,
): Promise<ComparedAnswers | undefined> {
  const { endpoint, userIdOf, answeredBy } = request;
  const pair =
    endpoint === 'events' ? await pairOfEvents(request, askOther) : await pairOf(request, askOther);
  if (pair === undefined) return undefined;
  const [native, ours] = answeredBy === 'native' ? [pair.answer, pair.other] : [pair.other, pair.answer];
  const { unnamed } = compare(endpoint, { userId: userIdOf(), native, ours }, EXPECTED[endpoint]);
  return { native, ours, unnamed };
}

interface Pair {
  answer: unknown;
  other: unknown;
}

async function pairOf({ rawUrl, answer }: AnsweredRequest, askOther: AskOther): Promise<Pair | undefined> {
  const other = await askOther(rawUrl);
  return other === undefined ? undefined : { answer, other };
}

/** Follows the other side from the answer's `start` to *now*, so that it has all of the interval, and more. */
async function pairOfEvents(
  { rawUrl, answer }: AnsweredRequest,
  askOther: AskOther,
): Promise<Pair | undefined> {
  if (!isObject(answer) || typeof answer['start'] !== 'string') return undefined;
  const chunk: unknown[] = [];
  let from = answer['start'];
  for (let polls = 0; polls < MOST_POLLS; polls += 1) {
    const page = await askOther(pollFrom(rawUrl, from));
    if (!isObject(page) || !Array.isArray(page['chunk']) || typeof page['end'] !== 'string') return undefined;
    chunk.push(...page['chunk']);
    if (page['chunk'].length === 0 || page['end'] === from) break;
    from = page['end'];
  }
  const aligned = alignEvents(answer, { start: answer['start'], end: answer['end'], chunk });
  return { answer: aligned.answer, other: aligned.longer };
}

/** The client's poll → one that answers at once, and goes on elsewhere. */
function pollFrom(rawUrl: string, from: string): string {
  const [path = '', query = ''] = rawUrl.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('from', from);
  parameters.set('timeout', '0');
  parameters.set('limit', String(EVENTS_A_POLL));
  return `${path}?${parameters}`;
}
