// What a user of 2015 does in a session, told once and played on any homeserver behind a gateway.

import { expect } from 'vitest';
import { bodiesIn, newOldSession } from './js-sdk-2015.ts';
import { startRelay } from './relay.ts';

const AT_A_TIME = 10;

/** Plays it at a gateway; `name` makes its users and rooms its own. Resolves when all of it was seen by both clients. */
export async function playOldSession(url: string, name: string, gap: number): Promise<void> {
  const alice = await newOldSession(url, `${name}-alice`);
  const wayOfBob = await startRelay(url);
  const bob = await newOldSession(wayOfBob.url, `${name}-bob`);
  await Promise.all([alice.start(), bob.start()]);

  // Rooms, history, an invite, a join.
  const { room_id: roomId } = await alice.client.createRoom({ name: 'Tea', visibility: 'private' });
  for (let i = 0; i < 20; i += 1) await alice.client.sendTextMessage(roomId, `before ${i}`);
  await alice.client.invite(roomId, bob.userId);
  const invited = await bob.until('the invite', () => bob.client.getRoom(roomId));
  expect(invited.hasMembershipState(bob.userId, 'invite')).toBe(true);
  await bob.client.joinRoom(roomId);
  const roomOfBob = await bob.until('the room, after its initialSync', () => {
    const room = bob.client.getRoom(roomId);
    return room?.hasMembershipState(bob.userId, 'join') && bodiesIn(room).length > 0 ? room : undefined;
  });
  expect(roomOfBob.name).toBe('Tea');
  expect(roomOfBob.getMember(alice.userId).membership).toBe('join');
  await alice.until('that Bob joined', () =>
    alice.client.getRoom(roomId)?.hasMembershipState(bob.userId, 'join'),
  );

  // Live: a message, typing, a receipt, presence.
  await alice.client.sendTextMessage(roomId, 'hello');
  const hello = await bob.until('a message', () =>
    bob.events.find((event) => event.getContent().body === 'hello'),
  );
  expect(hello.getSender()).toBe(alice.userId);
  await alice.client.sendTyping(roomId, true, 60_000);
  await bob.until('that Alice types', () => roomOfBob.getMember(alice.userId).typing);
  await bob.client.sendReadReceipt(hello);
  await alice.until('that Bob read', () => {
    const room = alice.client.getRoom(roomId);
    const event = room.timeline.find((each: { getId(): string }) => each.getId() === hello.getId());
    return event !== undefined && room.getUsersReadUpTo(event).includes(bob.userId);
  });
  await alice.client.setPresence('unavailable');
  await bob.until('that Alice is away', () => bob.client.getUser(alice.userId)?.presence === 'unavailable');

  // Back to the beginning of the room.
  while (roomOfBob.oldState.paginationToken !== null) await bob.client.scrollback(roomOfBob, 10);
  const before = Array.from({ length: 20 }, (_, i) => `before ${i}`);
  expect(bodiesIn(roomOfBob)).toEqual([...before, 'hello']);
  expect(roomOfBob.timeline[0].getType()).toBe('m.room.create');

  // Away while much is said, and back.
  wayOfBob.cut();
  const said = Array.from({ length: gap }, (_, i) => `gap ${i}`);
  for (let i = 0; i < gap; i += AT_A_TIME) {
    const some = said.slice(i, i + AT_A_TIME);
    // With transaction ids: its own are the time, which several at a time would share.
    await Promise.all(some.map((body) => alice.client.sendTextMessage(roomId, body, body)));
  }
  wayOfBob.mend();
  const heard = (): string[] =>
    bob.events.map((event) => event.getContent().body).filter((body) => body?.startsWith('gap'));
  await bob.until('all that was said', () => heard().length >= gap);
  // In no order of theirs, as they were sent at a time; each once.
  expect(heard().toSorted()).toEqual(said.toSorted());

  // Out.
  await alice.client.kick(roomId, bob.userId, 'bye');
  await bob.until('the kick', () => bob.client.getRoom(roomId)?.hasMembershipState(bob.userId, 'leave'));
  const ownMembership = () => bob.client.getRoom(roomId)?.getMember(bob.userId)?.membership;
  await alice.client.invite(roomId, bob.userId);
  await bob.client.joinRoom(roomId);
  await bob.until('his own return', () => ownMembership() === 'join');
  await bob.client.leave(roomId);
  await bob.until('his own leave', () => ownMembership() === 'leave');
  alice.stop();
  bob.stop();
  await wayOfBob.close();
}
