import type { RoomId, UserId } from '../../src/matrix/identifiers.ts';
import type { TestSandbox } from './sandbox/test-sandbox.ts';

export interface JoinedRoom {
  /** Who made the room. */
  host: UserId;
  /** Who joined it, and with which access token he asks. */
  me: UserId;
  accessToken: string;
  roomId: RoomId;
}

let serial = 0;

/** Two users of their own, in a public room named R. */
export function joinRoom({ homeserver }: TestSandbox): JoinedRoom {
  serial += 1;
  const host = homeserver.createUser(`host${serial}`);
  const me = homeserver.createUser(`me${serial}`);
  const { accessToken } = homeserver.login(me);
  const roomId = homeserver.createRoom(host, { preset: 'public_chat', name: 'R' });
  homeserver.join(me, roomId);
  return { host, me, accessToken, roomId };
}
