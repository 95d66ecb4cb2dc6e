// matrix-js-sdk 2.4.6 of 2019, with r0, unmodified, and a session of it: log in, list rooms, send, hear, page back to the
// end, leave.

import { createRequire } from 'node:module';
import { expect } from 'vitest';

// oxlint-disable-next-line typescript/no-explicit-any -- it is older than TypeScript's types for it
type Sdk = any;

const sdk: Sdk = createRequire(import.meta.url)('matrix-js-sdk-2.4');
// Every request is written to the console otherwise.
createRequire(createRequire(import.meta.url).resolve('matrix-js-sdk-2.4'))('loglevel')
  .getLogger('matrix')
  .setLevel('error');

const PATIENCE_MS = 40_000;

/** Plays it at a gateway; `name` makes its users its own. Resolves when all of it was seen by both clients. */
export async function play2019Session(url: string, name: string): Promise<void> {
  const clients: Sdk[] = [];
  const started = async (client: Sdk): Promise<Sdk> => {
    clients.push(client);
    return start(client);
  };
  try {
    const alice = await started(await register(url, `${name}-alice`));
    const bob = await started(await register(url, `${name}-bob`));
    await playSession(alice, bob, async () => started(await logIn(url, `${name}-bob`)));
  } finally {
    for (const client of clients) client.stopClient();
  }
}

async function playSession(alice: Sdk, bob: Sdk, startBobAnew: () => Promise<Sdk>): Promise<void> {
  const bobId = bob.getUserId();

  const { room_id: roomId } = await alice.createRoom({ name: 'Tea', invite: [bobId] });
  const before = Array.from({ length: 20 }, (_, i) => `before ${i}`);
  for (const body of before) await alice.sendTextMessage(roomId, body);
  await until('the invite', bob, () => bob.getRoom(roomId)?.getMyMembership() === 'invite');
  await bob.joinRoom(roomId);
  await until('the own join', bob, () => bob.getRoom(roomId)?.getMyMembership() === 'join');

  await alice.sendTextMessage(roomId, 'hello');
  await until('a message', bob, () => bodiesIn(bob.getRoom(roomId)).includes('hello'));
  await bob.sendReadReceipt(bob.getRoom(roomId).timeline.at(-1));
  await bob.sendTyping(roomId, true, 20_000);
  await until('that Bob types', alice, () => alice.getRoom(roomId).getMember(bobId)?.typing);
  await bob.sendTextMessage(roomId, 'hello too');
  await until('the answer', alice, () => bodiesIn(alice.getRoom(roomId)).includes('hello too'));

  // A client that starts anew lists its rooms, and pages back to the beginning of one.
  const back = await startBobAnew();
  expect(back.getRooms().map((room: Sdk) => room.name)).toEqual(['Tea']);
  const room = back.getRoom(roomId);
  let pages = 0;
  for (; room.oldState.paginationToken !== null && pages < 50; pages += 1) await back.scrollback(room, 10);
  expect(pages).toBeLessThan(10);
  expect(bodiesIn(room)).toEqual([...before, 'hello', 'hello too']);
  expect(room.timeline[0].getType()).toBe('m.room.create');

  await bob.leave(roomId);
  await until('the own leave', bob, () => bob.getRoom(roomId)?.getMyMembership() === 'leave');
  await until('that Bob left', alice, () => alice.getRoom(roomId).getMember(bobId).membership === 'leave');
}

async function register(url: string, name: string): Promise<Sdk> {
  await sdk.createClient(url).register(name, 'secret', undefined, { type: 'm.login.dummy' });
  return logIn(url, name);
}

async function logIn(url: string, name: string): Promise<Sdk> {
  const { user_id: userId, access_token: accessToken } = await sdk
    .createClient(url)
    .login('m.login.password', { user: name, password: 'secret' });
  return sdk.createClient({ baseUrl: url, userId, accessToken });
}

async function start(client: Sdk): Promise<Sdk> {
  await client.startClient({ initialSyncLimit: 5, pendingEventOrdering: 'detached' });
  await until('the first sync', client, () => ['PREPARED', 'SYNCING'].includes(client.getSyncState()));
  return client;
}

/** Resolves as soon as the client knows it: looked for again whenever the client says something. */
async function until(what: string, client: Sdk, look: () => unknown): Promise<void> {
  const news = [
    'sync',
    'event',
    'Room.timeline',
    'Room.myMembership',
    'RoomMember.typing',
    'RoomMember.membership',
  ];
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`the client does not come to know: ${what}`)),
      PATIENCE_MS,
    );
    const again = (): void => {
      if (look() !== true) return;
      clearTimeout(late);
      for (const name of news) client.removeListener(name, again);
      resolve();
    };
    for (const name of news) client.on(name, again);
    again();
  });
}

/** The bodies of a room's messages, as its timeline has them. */
const bodiesIn = (room: Sdk): string[] =>
  room.timeline.map((event: Sdk) => event.getContent().body).filter((body: unknown) => body !== undefined);
