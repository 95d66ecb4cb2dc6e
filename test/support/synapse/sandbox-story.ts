// One story told to a homeserver, and what it answered on the way, without the ids and times that are its own.

import { type Client, clientAt, type Json, type Query, register } from './synapse-client.ts';

/** What was asked, in words → what came, with names for users, rooms and events. */
export type Answers = Record<string, unknown>;

interface Teller {
  alice: Client;
  bob: Client;
  carol: Client;
  aliceId: string;
  /** A room of Bob's. */
  room(options?: Json): Promise<string>;
  say(roomId: string, text: string): Promise<string>;
  /** Alice's position in the stream. */
  now(): Promise<string>;
  sync(since?: string, room?: Json): Promise<unknown>;
  history(who: Client, roomId: string, query: Query): Promise<unknown>;
  note(what: string, answer: unknown): void;
}

const POSITION_ONLY = { presence: { types: [] }, account_data: { types: [] }, room: { rooms: [] } };

/** Tells the story to the homeserver at `url`, with users that nobody else has. */
export async function tellStory(url: string): Promise<Answers> {
  const answers: Answers = {};
  const names = new Map<string, string>();
  const named = (text: string): string =>
    [...names].reduce((rest, [id, name]) => rest.replaceAll(id, name), text);
  const user = async (name: string): Promise<[Client, string]> => {
    const account = await register(url, `sandbox-story-${name}`);
    names.set(account.userId, name);
    return [clientAt(url, account), account.userId];
  };
  const [[alice, aliceId], [bob], [carol]] = [await user('alice'), await user('bob'), await user('carol')];
  let messages = 0;
  const get = async (filter: Json, since?: string): Promise<Json> => {
    // White space makes it another request: Synapse repeats answers for two minutes.
    const text = JSON.stringify(filter) + ' '.repeat((messages += 1));
    return alice.read('v3/sync', { since, set_presence: 'offline', filter: text });
  };
  const teller: Teller = {
    alice,
    bob,
    carol,
    aliceId,
    room: async (options = {}) => {
      const { room_id: roomId } = await bob.post('v3/createRoom', { preset: 'public_chat', ...options });
      names.set(roomId, `room ${names.size}`);
      return roomId;
    },
    say: async (roomId, text) => {
      const path = `v3/rooms/${roomId}/send/m.room.message/t${(messages += 1)}`;
      return (await bob.put(path, { msgtype: 'm.text', body: text })).event_id;
    },
    now: async () => (await get(POSITION_ONLY)).next_batch,
    sync: async (since, room = {}) => toSections(await get({ ...POSITION_ONLY, room }, since)),
    history: async (who, roomId, query) => {
      const { status, json } = await who.get(`v3/rooms/${roomId}/messages`, query);
      return status === 200 ? { chunk: json.chunk.map(toLine), hasEnd: 'end' in json } : { status, ...json };
    },
    note: (what, answer) => {
      answers[named(what)] = JSON.parse(named(JSON.stringify(answer)));
    },
  };
  await comeAndGo(teller);
  await beInvited(teller);
  await beThrownOut(teller);
  await askForLess(teller);
  for (const visibility of ['joined', 'invited', 'shared', 'world_readable']) await look(teller, visibility);
  await askWrongly(teller);
  return answers;
}

async function comeAndGo({ alice, room, say, now, sync, history, note }: Teller): Promise<void> {
  const tea = await room({ name: 'Tea' });
  await alice.post(`v3/join/${tea}`);
  await say(tea, 'hello');
  for (const limit of [0, 3, 100])
    note(`initial, limit ${limit}`, await sync(undefined, { timeline: { limit } }));
  const since = await now();
  await say(tea, 'before');
  await alice.post(`v3/rooms/${tea}/leave`);
  await say(tea, 'after');
  note('left', await sync(since));
  note('left, forwards', await history(alice, tea, { dir: 'f', from: since }));
  note('left, backwards', await history(alice, tea, { dir: 'b', limit: 3 }));
  note('left, state', (await alice.read(`v3/rooms/${tea}/state`)).map(toLine).toSorted());
  await alice.post(`v3/join/${tea}`);
  note('left and back', await sync(since, { timeline: { limit: 4 } }));
  const again = await now();
  await alice.post(`v3/rooms/${tea}/leave`);
  await alice.post(`v3/rooms/${tea}/forget`);
  note('left and forgot', await sync(again));
  note('forgotten', await history(alice, tea, { dir: 'b' }));
}

async function beInvited({
  alice,
  bob,
  aliceId,
  room,
  say,
  now,
  sync,
  history,
  note,
}: Teller): Promise<void> {
  const since = await now();
  const secret = await room({ name: 'Biscuits', topic: 'Crisp', preset: 'private_chat', invite: [aliceId] });
  await say(secret, 'secret');
  const invited = await now();
  note('invited', await sync(since));
  note('invited, room not asked for', await sync(since, { not_rooms: [secret] }));
  note('invited, no room asked for', await sync(since, { rooms: [] }));
  note('invited, initial and no room asked for', await sync(undefined, { rooms: [] }));
  note('invited, backwards', await history(alice, secret, { dir: 'b' }));
  await alice.post(`v3/rooms/${secret}/leave`);
  note('rejected, since before the invite', await sync(since));
  note('rejected, since the invite', await sync(invited));
  note('rejected, forwards', await history(alice, secret, { dir: 'f', limit: 100 }));
  await bob.post(`v3/rooms/${secret}/invite`, { user_id: aliceId });
  await alice.post(`v3/join/${secret}`);
  await alice.post(`v3/rooms/${secret}/leave`);
  await bob.post(`v3/rooms/${secret}/invite`, { user_id: aliceId });
  note('joined, left and invited anew', await sync(invited));
  await alice.post(`v3/rooms/${secret}/leave`);
}

async function beThrownOut({
  alice,
  bob,
  aliceId,
  room,
  say,
  now,
  sync,
  history,
  note,
}: Teller): Promise<void> {
  const before = await now();
  const [kicked, banned, unbanned] = [await room(), await room(), await room()];
  for (const roomId of [kicked, banned, unbanned]) await alice.post(`v3/join/${roomId}`);
  const since = await now();
  const throwOut = async (roomId: string, does: 'kick' | 'ban' | 'unban'): Promise<void> => {
    await say(roomId, does);
    await bob.post(`v3/rooms/${roomId}/${does}`, { user_id: aliceId });
  };
  await throwOut(kicked, 'kick');
  await throwOut(banned, 'ban');
  // Not `rooms`: it makes Synapse leave out the m.room.create of a room of version 12, which names no room.
  note('thrown out, initial', await sync(undefined, { timeline: { limit: 2 } }));
  await throwOut(unbanned, 'ban');
  await throwOut(unbanned, 'unban');
  await say(kicked, 'without you');
  note('thrown out', await sync(since));
  note('joined and thrown out', await sync(before));
  note('kicked, forwards', await history(alice, kicked, { dir: 'f', from: since }));
  note('unbanned, backwards', await history(alice, unbanned, { dir: 'b', limit: 2 }));
  note('banned, backwards', await history(alice, banned, { dir: 'b' }));
  const then = await now();
  await bob.post(`v3/rooms/${banned}/unban`, { user_id: aliceId });
  const strange = await room();
  await bob.post(`v3/rooms/${strange}/ban`, { user_id: aliceId });
  note('unbanned, and banned from a strange room', await sync(then));
}

async function askForLess({ alice, bob, room, say, now, sync, note }: Teller): Promise<void> {
  const roomId = await room();
  for (const text of ['one', 'two', 'three']) await say(roomId, text);
  const before = await now();
  await alice.post(`v3/join/${roomId}`);
  note('newly joined', await sync(before, { timeline: { limit: 3 } }));
  const since = await now();
  for (const text of ['four', 'five', 'six']) await say(roomId, text);
  await bob.put(`v3/rooms/${roomId}/state/m.room.topic/`, { topic: 'x' });
  note('messages alone', await sync(since, { timeline: { types: ['m.room.message'], limit: 2 } }));
  note('no timeline', await sync(since, { timeline: { types: [] } }));
  note('nothing new', await sync(await now()));
}

async function look(teller: Teller, visibility: string): Promise<void> {
  const { alice, bob, carol, aliceId, room, say, now, sync, history, note } = teller;
  const content = { history_visibility: visibility };
  const roomId = await room({ initial_state: [{ type: 'm.room.history_visibility', content }] });
  const eventId = await say(roomId, 'before');
  const statuses = async (who: Client): Promise<number[]> => {
    const paths = ['state', 'state/m.room.history_visibility', `event/${eventId}`, `context/${eventId}`];
    return Promise.all(paths.map(async (path) => (await who.get(`v3/rooms/${roomId}/${path}`)).status));
  };
  const all = async (who: Client, query: Query): Promise<unknown> => [
    await statuses(who),
    await history(who, roomId, query),
  ];
  note(`${visibility}: stranger`, await all(carol, { dir: 'b', limit: 2 }));
  await bob.post(`v3/rooms/${roomId}/invite`, { user_id: aliceId });
  await say(roomId, 'invited');
  note(`${visibility}: invited`, await all(alice, { dir: 'b', limit: 2 }));
  const since = await now();
  await alice.post(`v3/join/${roomId}`);
  await say(roomId, 'joined');
  note(`${visibility}: joined`, await all(alice, { dir: 'b', limit: 6 }));
  note(`${visibility}: joined, sync`, await sync(since));
  await alice.post(`v3/rooms/${roomId}/leave`);
  await say(roomId, 'after');
  note(`${visibility}: left, forwards`, await all(alice, { dir: 'f', from: since }));
  note(`${visibility}: left, backwards`, await all(alice, { dir: 'b', limit: 3 }));
  await bob.post(`v3/rooms/${roomId}/ban`, { user_id: aliceId });
  note(`${visibility}: banned`, await all(alice, { dir: 'b', limit: 3 }));
}

async function askWrongly({ alice, room, note }: Teller): Promise<void> {
  const roomId = await room();
  await alice.post(`v3/join/${roomId}`);
  const messages = `v3/rooms/${roomId}/messages`;
  const requests: [string, string, Query?][] = [
    ['GET', 'v3/sync', { since: 'junk' }],
    ['GET', 'v3/sync', { since: '' }],
    ['GET', 'v3/sync', { filter: '77' }],
    ['GET', 'v3/sync', { filter: '{' }],
    ['GET', 'v3/sync', { timeout: 'x' }],
    ['GET', 'v3/sync', { timeout: -1 }],
    ['POST', 'v3/sync'],
    ['GET', messages, { from: 'junk' }],
    ['GET', messages, { to: 'junk' }],
    ['GET', messages, { dir: 'x' }],
    ['GET', messages, { limit: 'x' }],
    ['GET', `v3/rooms/${roomId}/event/$nowhere`],
    ['GET', `v3/rooms/${roomId}/context/$nowhere`],
    ['GET', `v3/rooms/${roomId}/state/m.nothing/`],
    ['GET', 'v3/rooms/!nowhere/state'],
    ['GET', 'v3/directory/list/room/!nowhere'],
    ['GET', 'v3/nothing'],
  ];
  for (const [method, path, query = {}] of requests) {
    const { status, json } = await alice.request(method, path, { query });
    note(`${method} ${path} ${JSON.stringify(query)}`, { status, json });
  }
}

/** What /sync tells of rooms, a line for each event. */
function toSections({ rooms = {} }: Json): unknown {
  const told = Object.entries<Json>(rooms).flatMap(([section, ofSection]) =>
    Object.entries<Json>(ofSection).map(([roomId, room]) => [`${section} ${roomId}`, toRoom(room)] as const),
  );
  return Object.fromEntries(told.toSorted(([one], [other]) => one.localeCompare(other)));
}

function toRoom({ timeline, state, invite_state: inviteState }: Json): object {
  return {
    timeline: timeline?.events.map(toLine),
    limited: timeline?.limited,
    state: (state ?? inviteState).events.map(toLine).toSorted(),
  };
}

function toLine({ type, state_key: stateKey, content, unsigned }: Json): string {
  return [type, stateKey, content?.body, content?.membership, unsigned?.membership].filter(Boolean).join(' ');
}
