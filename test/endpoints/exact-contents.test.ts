// Contents of events and account data, in every answer of ours: byte for byte as the homeserver sent them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyObjectText } from '../support/generated-json.ts';
import { useUpstreamStage } from '../support/upstream-stage.ts';

const stage = useUpstreamStage();

const room = '!r%3Atest';

/** A homeserver whose every event and every piece of account data has this content. */
function answerWith(content: string): void {
  const event = (more = '') =>
    `{"type":"m.room.message","event_id":"$e","sender":"@a:test","origin_server_ts":1,"content":${content},"unsigned":{"prev_content":${content}}${more}}`;
  const [said, state] = [event(), event(',"state_key":""')];
  const accountData = `{"type":"x.data","content":${content}}`;
  const timeline = `{"events":[${said}],"limited":false,"prev_batch":"t1-1_1"}`;
  const invited = `{"type":"m.room.member","state_key":"@me:test","sender":"@a:test","content":${content}}`;
  const sync = `{"next_batch":"s2_2","account_data":{"events":[${accountData}]},"rooms":{"join":{"!r:test":{"timeline":${timeline},"state":{"events":[${state}]},"account_data":{"events":[${accountData}]}}},"invite":{"!i:test":{"invite_state":{"events":[${invited}]}}}}}`;
  const json = (text: string) => [{ json: text }];
  stage.upstream.answers = {
    'GET sync': json(sync),
    [`GET rooms/${room}/messages`]: json(`{"chunk":[${said}],"start":"t1-1_1","state":[${state}]}`),
    [`GET rooms/${room}/state`]: json(`[${state}]`),
    [`GET rooms/${room}/members`]: json(`{"chunk":[${state}]}`),
    [`GET rooms/${room}/context/%24e`]: json(
      `{"start":"s","end":"e","event":${said},"events_after":[${said}],"state":[${state}]}`,
    ),
    [`GET rooms/${room}/event/%24e`]: json(said),
    [`GET rooms/${room}/state/m.room.member/%40me%3Atest`]: json('{"membership":"join"}'),
    [`GET user/%40me%3Atest/rooms/${room}/tags`]: json(`{"tags":{"u.x":${content}}}`),
    'GET joined_rooms': json('{"joined_rooms":["!r:test"]}'),
  };
}

/** Answers that hold events, and how often each has the content at least: on top and as the content before. */
const answers: [path: string, times: number][] = [
  ['api/v1/initialSync', 8],
  ['r0/initialSync?archived=true', 8],
  ['api/v1/rooms/!r:test/initialSync', 7],
  ['r0/rooms/!r:test/messages?dir=b&limit=1', 4],
  ['api/v1/rooms/!r:test/messages?dir=b&limit=1', 6],
  ['v2_alpha/rooms/!r:test/messages?dir=f&limit=1', 6],
  ['api/v1/rooms/!r:test/state', 3],
  ['api/v1/rooms/!r:test/members', 3],
  ['api/v1/rooms/!r:test/context/$e', 9],
  ['api/v1/rooms/!r:test/event/$e', 3],
  ['api/v1/rooms/!r:test/backfill', 3],
  ['api/v1/events/$e', 3],
  ['api/v1/events?from=s1_1&timeout=0', 5],
  ['v2_alpha/sync', 4],
];

const contents = fc.oneof(
  anyObjectText,
  fc.constant(String.raw`{"n":9007199254740993,"f":21.0,"z":-0.0,"e":[1e2,1E+2],"s":"\u0041\/","f":0.10}`),
);

test.each(answers)('%s -> any contents as they came, %i times', async (path, times) => {
  await fc.assert(
    fc.asyncProperty(contents, async (content) => {
      answerWith(content);
      const separator = path.includes('?') ? '&' : '?';
      const response = await fetch(`${stage.gateway.url}/_matrix/client/${path}${separator}access_token=t`);
      const text = await response.text();
      expect(response.status).toBe(200);
      expect(() => JSON.parse(text)).not.toThrow();
      expect(text.split(`:${content}`).length - 1).toBeGreaterThanOrEqual(times);
    }),
    { numRuns: 20 },
  );
});
