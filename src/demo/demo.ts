// The story of `npm run demo`: an old client's day, through the gateway, for a reader to watch.

import { setTimeout } from 'node:timers/promises';
import type { EventsResponse, InitialSyncResponse, LegacyEvent, LegacyRoom } from '../matrix/legacy.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { createOldClient, DemoFailure, type OldClient, withAccessToken } from './old-client.ts';

export interface DemoOptions {
  /** The gateway's address, in front of a homeserver on which anybody may register. */
  gatewayUrl: string;
  /** The address at which the operator looks. */
  internalUrl: string;
  /** Whether the reader is left with something to try. */
  once: boolean;
  write: (text: string) => unknown;
  useColours?: boolean;
}

interface Story {
  narrator: Narrator;
  alice: OldClient;
  bob: OldClient;
}

/** Plays the story, and resolves at its end; throws a `DemoFailure` where an answer is not what the story says. */
export async function runDemo({
  gatewayUrl,
  internalUrl,
  once,
  write,
  useColours = false,
}: DemoOptions): Promise<void> {
  const narrator = createNarrator({ write, useColours });
  const client = (who: string): OldClient => createOldClient({ gatewayUrl, who, narrator });
  const story = { narrator, alice: client('alice'), bob: client('bob') };
  try {
    await play(story, { gatewayUrl, internalUrl, once });
  } catch (error) {
    if (error instanceof DemoFailure) throw error;
    throw new DemoFailure('an answer has not the shape that old clients expect', { cause: error });
  }
}

async function play(
  story: Story,
  { gatewayUrl, internalUrl, once }: Pick<DemoOptions, 'gatewayUrl' | 'internalUrl' | 'once'>,
): Promise<void> {
  const { narrator } = story;
  narrator.title('A client of 2015 on a homeserver of today');
  narrator.remark(`Everything below goes through Hindsync at ${gatewayUrl}. Lists and events are shortened.`);
  const roomId = await meet(story);
  const snapshot = await startUp(story, roomId);
  const afterMessage = await hearLive(story, roomId, snapshot.end);
  const afterInvite = await beInvited(story, afterMessage);
  await pageBack(story, roomId, snapshot);
  await findOneEvent(story, roomId, snapshot);
  await peek(story);
  narrator.remark('');
  narrator.title('That was the whole story: every answer was what a client of 2015 expects.');
  narrator.remark('Who used the old API in it, as an operator sees it (while the gateway runs):');
  narrator.command(`${internalUrl}/`);
  if (!once) leaveRunning(story, gatewayUrl, roomId, afterInvite);
}

/** Alice and Bob register; Bob opens a room, says something, and Alice joins. */
async function meet({ narrator, alice, bob }: Story): Promise<string> {
  narrator.chapter(
    'Alice and Bob register',
    'On the prefix r0, which homeservers are about to drop; the access token goes into the query from now on.',
  );
  for (const client of [alice, bob]) {
    const account = { username: client.who, password: 'in the demo only', auth: { type: 'm.login.dummy' } };
    const { access_token: accessToken } = await client.post<{ access_token: string }>(
      '/r0/register',
      account,
    );
    client.accessToken = accessToken;
  }
  narrator.chapter('Bob opens a room and talks to himself', 'Until Alice comes in.');
  const room = { name: 'Tea', preset: 'public_chat' };
  const { room_id: roomId } = await bob.post<{ room_id: string }>('/r0/createRoom', room);
  for (const text of ['Is anybody here?', 'Then I make tea for one.', 'Or for two?'])
    await say(bob, roomId, text);
  await alice.post(`/r0/join/${encodeURIComponent(roomId)}`, {});
  return roomId;
}

async function startUp({ narrator, alice }: Story, roomId: string): Promise<InitialSyncResponse> {
  narrator.chapter(
    "Alice's client starts: GET /initialSync",
    'One request for all rooms, with their latest messages. The gateway makes the answer from the modern /sync.',
  );
  const snapshot = await alice.get<InitialSyncResponse>('/api/v1/initialSync?limit=3');
  const room = snapshot.rooms.find((each) => each.room_id === roomId);
  expectThat(room?.membership === 'join', 'the initial sync to hold the room that Alice joined');
  expectThat(room?.messages.chunk.length === 3, 'the room to come with its last three events');
  return snapshot;
}

/** Alice waits, Bob speaks → where her stream goes on. */
async function hearLive(story: Story, roomId: string, from: string): Promise<string> {
  const text = 'The kettle is on!';
  story.narrator.chapter(
    'Alice waits, Bob speaks: GET /events',
    'The long poll stays open until there is something to say.',
  );
  return pollUntil(
    story,
    from,
    () => say(story.bob, roomId, text),
    (event) => event.type === 'm.room.message' && event.content?.['body'] === text,
  );
}

/** Bob invites Alice to a room of its own → where her stream goes on. */
async function beInvited(story: Story, from: string): Promise<string> {
  const { narrator, alice, bob } = story;
  narrator.chapter(
    'Bob invites Alice to another room',
    'The modern /sync tells it in an odd shape; old clients get a whole event, and what the room is called.',
  );
  const { user_id: invitee } = await alice.get<{ user_id: string }>('/r0/account/whoami');
  const room = { name: 'Biscuits', preset: 'private_chat', invite: [invitee] };
  return pollUntil(
    story,
    from,
    () => bob.post('/r0/createRoom', room),
    (event) => event.type === 'm.room.member' && event.content?.['membership'] === 'invite',
  );
}

async function pageBack(
  { narrator, alice }: Story,
  roomId: string,
  snapshot: InitialSyncResponse,
): Promise<void> {
  narrator.chapter(
    'Alice scrolls up: GET /rooms/{roomId}/messages',
    'From the start of what the initial sync gave, backwards: nothing is repeated, nothing is skipped.',
  );
  const messages = snapshot.rooms.find((each) => each.room_id === roomId)?.messages;
  const page = new URLSearchParams({ from: messages?.start ?? '', dir: 'b', limit: '3' });
  const path = `/api/v1/rooms/${encodeURIComponent(roomId)}/messages?${page}`;
  const { chunk } = await alice.get<{ chunk: LegacyEvent[] }>(path);
  const known = new Set(messages?.chunk.map((event) => event.event_id));
  expectThat(chunk.length > 0, 'a page of what came before');
  expectThat(!chunk.some((event) => known.has(event.event_id)), 'no event to come twice');
}

async function findOneEvent(
  { narrator, alice }: Story,
  roomId: string,
  snapshot: InitialSyncResponse,
): Promise<void> {
  narrator.chapter(
    'One event, without saying where: GET /events/{eventId}',
    'No modern endpoint does that: the gateway remembers where it saw the event, and asks with the token of Alice.',
  );
  const wanted = snapshot.rooms.find((each) => each.room_id === roomId)?.messages.chunk[0]?.event_id ?? '';
  const found = await alice.get<LegacyEvent>(`/r0/events/${encodeURIComponent(wanted)}`);
  expectThat(found.event_id === wanted && found.room_id === roomId, 'the event, with its room');
}

/** Alice looks into a room that she has not joined: its snapshot, then what is said there. */
async function peek({ narrator, alice, bob }: Story): Promise<void> {
  narrator.chapter(
    'Alice looks in without joining: GET /rooms/{roomId}/initialSync, then /events?room_id=',
    "Today's Element previews rooms so; most homeservers lack it. No /sync is used, so that no keys get lost.",
  );
  const { room_id: roomId } = await bob.post<{ room_id: string }>('/r0/createRoom', {
    name: 'Shop window',
    preset: 'public_chat',
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    ],
  });
  await say(bob, roomId, 'Everybody may read this.');
  const escaped = encodeURIComponent(roomId);
  const snapshot = await alice.get<LegacyRoom>(`/v3/rooms/${escaped}/initialSync?limit=2`);
  expectThat(!('membership' in snapshot), 'Alice to be no member');
  const query = new URLSearchParams({ room_id: roomId, from: snapshot.messages.end, timeout: '10000' });
  const watch = alice.get<EventsResponse>(`/v3/events?${query}`);
  const [{ chunk }] = await Promise.all([
    watch,
    setTimeout(WAITING_TO_WATCH_MS).then(() => say(bob, roomId, 'And this, as it is said.')),
  ]);
  expectThat(chunk.length > 0, 'what was said while she watched');
}

function leaveRunning(
  { narrator, alice, bob }: Story,
  gatewayUrl: string,
  roomId: string,
  from: string,
): void {
  const url = (path: string, client: OldClient): string =>
    `'${gatewayUrl}${withAccessToken(`/_matrix/client${path}`, client.accessToken)}'`;
  narrator.remark('\nBoth servers go on running. Wait as Alice, here:');
  const poll = new URLSearchParams({ from, timeout: '60000' });
  narrator.command(`curl ${url(`/api/v1/events?${poll}`, alice)}`);
  narrator.remark('and speak as Bob in another terminal:');
  const message = `'{"msgtype":"m.text","body":"Hello from curl"}'`;
  const sendPath = `/r0/rooms/${encodeURIComponent(roomId)}/send/m.room.message/from-curl`;
  narrator.command(`curl -X PUT -d ${message} ${url(sendPath, bob)}`);
  narrator.remark('Ctrl-C ends it.');
}

const WAITING_TO_WATCH_MS = 700;
const MOST_POLLS = 5;

/**
 * Polls, one after the other, while something happens → where the stream goes on after its event.
 *
 * The answers on the way may hold other things, such as Alice's own presence: she came online by asking.
 */
async function pollUntil(
  { alice }: Story,
  from: string,
  happen: () => Promise<unknown>,
  isIt: (event: LegacyEvent) => boolean,
): Promise<string> {
  const follow = async (): Promise<string> => {
    let position = from;
    for (let polls = 0; polls < MOST_POLLS; polls += 1) {
      const query = new URLSearchParams({ from: position, timeout: '30000' });
      const { chunk, end } = await alice.get<EventsResponse>(`/api/v1/events?${query}`);
      if (chunk.some((event) => isIt(event as LegacyEvent))) return end;
      position = end;
    }
    throw new DemoFailure(`expected the event to come within ${MOST_POLLS} polls`);
  };
  const [end] = await Promise.all([follow(), setTimeout(WAITING_TO_WATCH_MS).then(happen)]);
  return end;
}

async function say(client: OldClient, roomId: string, text: string): Promise<void> {
  const path = `/r0/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${client.nextTransactionId()}`;
  await client.put(path, { msgtype: 'm.text', body: text });
}

function expectThat(isSo: boolean, what: string): void {
  if (!isSo) throw new DemoFailure(`expected ${what}`);
}
