import { describe, expect, test } from 'vitest';
import type { StrippedEvent } from '../../src/matrix/client-event.ts';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { toLegacyInvite, type InviteSource } from '../../src/translate/invite.ts';
import { deepFreeze } from '../support/generated-sync.ts';

const userId = '@me:test' as UserId;
const host = '@host:test' as UserId;
const name: StrippedEvent = { type: 'm.room.name', state_key: '', sender: host, content: { name: 'N' } };
const own: StrippedEvent = {
  type: 'm.room.member',
  state_key: userId,
  sender: host,
  content: { membership: 'invite', displayname: 'Me' },
};

function aSource(more: Partial<InviteSource> = {}): InviteSource {
  return { roomId: '!r:test' as RoomId, userId, inviteState: [name, own], nowMs: 5000, ...more };
}

const idOf = (source: InviteSource): string | undefined => toLegacyInvite(source).invite.event_id;

describe('toLegacyInvite', () => {
  test('stripped state -> the member event, with the rest of the state', () => {
    const { inviter, invite } = toLegacyInvite(deepFreeze(aSource()));
    expect(inviter).toBe(host);
    expect(invite).toEqual({
      ...own,
      room_id: '!r:test',
      user_id: host,
      event_id: expect.stringMatching(/^\$[\w-]{43}$/),
      invite_room_state: [name],
      unsigned: { invite_room_state: [name] },
    });
  });

  test('the same invite again -> the same synthetic id, whenever it is asked for', () => {
    expect(idOf(aSource({ nowMs: 9000 }))).toBe(idOf(aSource()));
    expect(idOf(aSource({ inviteState: [own] }))).toBe(idOf(aSource()));
  });

  test.each([
    { name: 'another room', more: { roomId: '!other:test' as RoomId } },
    { name: 'another inviter', more: { inviteState: [{ ...own, sender: '@b:test' as UserId }] } },
    {
      name: 'another content',
      more: { inviteState: [{ ...own, content: { membership: 'invite', reason: 'x' } }] },
    },
    { name: 'no member event', more: { inviteState: [name] } },
  ])('$name -> another synthetic id', ({ more }) => {
    expect(idOf(aSource(more))).not.toBe(idOf(aSource()));
  });

  test('the whole event in the notifications -> its id, time and unsigned data, with the stripped state', () => {
    const notification = {
      ...own,
      event_id: '$real' as EventId,
      origin_server_ts: 4000,
      unsigned: { prev_content: { membership: 'leave' } },
    };
    expect(toLegacyInvite(deepFreeze(aSource({ notification }))).invite).toMatchObject({
      event_id: '$real',
      origin_server_ts: 4000,
      age: 1000,
      prev_content: { membership: 'leave' },
      invite_room_state: [name],
    });
  });

  test('two own member events -> the last one counts', () => {
    const later = { ...own, sender: '@later:test' as UserId };
    expect(toLegacyInvite(aSource({ inviteState: [own, name, later] })).inviter).toBe('@later:test');
  });

  // Differs: invites-may-lack-an-inviter
  test('no stripped state at all -> still an invite of the user', () => {
    const { inviter, invite } = toLegacyInvite(aSource({ inviteState: [] }));
    expect(inviter).toBeUndefined();
    expect(invite).toMatchObject({
      type: 'm.room.member',
      state_key: userId,
      content: { membership: 'invite' },
      room_id: '!r:test',
      invite_room_state: [],
    });
  });

  test('an own knock -> knock_room_state', () => {
    const knock = { ...own, sender: userId, content: { membership: 'knock' } };
    const { invite } = toLegacyInvite(aSource({ membership: 'knock', inviteState: [knock, name] }));
    expect(invite.knock_room_state).toEqual([name]);
    expect(invite).not.toHaveProperty('invite_room_state');
    expect(invite.content).toEqual({ membership: 'knock' });
  });

  test('in the stream -> says in unsigned what the user was, as every event there', () => {
    const { invite } = toLegacyInvite(aSource({ isInChunk: true }));
    expect(invite.unsigned).toEqual({ membership: 'invite', invite_room_state: [name] });
  });
});
