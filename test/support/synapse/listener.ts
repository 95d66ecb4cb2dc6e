import type { Client, Json } from './synapse-client.ts';

/** Somebody who listens with `/events`. */
export interface Listener {
  /** Hears on until the event stands in a chunk; what was heard in all, as one answer. */
  until(eventId: string): Promise<Json>;
}

/**
 * Listens from `from` on: the first poll is on its way when this returns, and waits up to `timeoutMs` for news.
 *
 * What several polls gave is put together as if one had: of presence, typing, receipts and account data only the
 * newest, as they say what holds, not what happened. What one answer repeats stays repeated.
 */
export function listen(client: Client, from: string, timeoutMs: number, query: object = {}): Listener {
  const poll = (token: string, timeout: number): Promise<Json> =>
    client.read('v3/events', { from: token, timeout, limit: 100, ...query });
  let next = poll(from, timeoutMs);
  // Whoever waits hears of it; until then nobody does.
  next.catch(() => undefined);

  return {
    until: async (eventId) => {
      const answers: Json[] = [];
      for (;;) {
        const answer = await next;
        answers.push(answer);
        if (answer.chunk.some((event: Json) => event.event_id === eventId)) break;
        next = poll(answer.end, timeoutMs);
      }
      // What the homeserver derives from an event, such as presence after a join, may come just behind it.
      answers.push(await poll(answers.at(-1).end, 0));
      return asOne(answers);
    },
  };
}

function asOne(answers: readonly Json[]): Json {
  let chunk: Json[] = [];
  for (const answer of answers) {
    const said = new Set(answer.chunk.map(subjectOf));
    chunk = [
      ...chunk.filter((event) => event.event_id !== undefined || !said.has(subjectOf(event))),
      ...answer.chunk,
    ];
  }
  return { start: answers[0].start, chunk: inBlocks(chunk), end: answers.at(-1).end };
}

/** Room events first again, as in each of the answers. */
const inBlocks = (chunk: Json[]): Json[] => [
  ...chunk.filter((event) => event.event_id !== undefined),
  ...chunk.filter((event) => event.event_id === undefined),
];

const subjectOf = ({ type, room_id, content }: Json): string =>
  JSON.stringify([type, room_id, type === 'm.presence' ? content.user_id : null]);
