// What people do in the world of the tests: a call of the client API each.

import { clientAt, type Json, type User } from './synapse-client.ts';

export type RoomOptions = Record<string, Json>;

/** What `createActions` makes: the same things to do for anybody on one homeserver. */
export type Actions = ReturnType<typeof createActions>;

export function createActions(url: string) {
  let transaction = 0;
  const as = (user: User) => clientAt(url, user);
  const inRoom = (roomId: string): string => `v3/rooms/${encodeURIComponent(roomId)}`;
  const of = (user: User): string => `v3/user/${encodeURIComponent(user.userId)}`;

  /** → its event id. */
  async function send(sender: User, roomId: string, type: string, content: Json): Promise<string> {
    transaction += 1;
    const path = `${inRoom(roomId)}/send/${type}/test-${transaction}`;
    return (await as(sender).put(path, content)).event_id;
  }

  const join = (user: User, roomId: string): Promise<Json> =>
    as(user).post(`v3/join/${encodeURIComponent(roomId)}`);

  return {
    as,
    send,
    join,

    /** → its room id. Members are invited and join, so that both their memberships are in the history. */
    async createRoom(creator: User, members: readonly User[], options: RoomOptions = {}): Promise<string> {
      const invite = members.map(({ userId }) => userId);
      const body = { preset: 'private_chat', invite, ...options };
      const { room_id } = await as(creator).post('v3/createRoom', body);
      for (const member of members) await join(member, room_id);
      return room_id;
    },

    /** → its event id. */
    say: (sender: User, roomId: string, body: string): Promise<string> =>
      send(sender, roomId, 'm.room.message', { msgtype: 'm.text', body }),

    async setState(
      sender: User,
      roomId: string,
      type: string,
      content: Json,
      stateKey = '',
    ): Promise<string> {
      const path = `${inRoom(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
      return (await as(sender).put(path, content)).event_id;
    },

    async redact(sender: User, roomId: string, eventId: string): Promise<string> {
      transaction += 1;
      const path = `${inRoom(roomId)}/redact/${encodeURIComponent(eventId)}/test-${transaction}`;
      return (await as(sender).put(path, { reason: 'regretted' })).event_id;
    },

    knock: (user: User, roomId: string): Promise<Json> =>
      as(user).post(`v3/knock/${encodeURIComponent(roomId)}`, { reason: 'let me in' }),
    leave: (user: User, roomId: string): Promise<Json> => as(user).post(`${inRoom(roomId)}/leave`),
    forget: (user: User, roomId: string): Promise<Json> => as(user).post(`${inRoom(roomId)}/forget`),
    /** `invite`, `kick`, `ban`, `unban`. */
    moderate: (moderator: User, what: string, roomId: string, user: User): Promise<Json> =>
      as(moderator).post(`${inRoom(roomId)}/${what}`, { user_id: user.userId }),
    /** → the id of the room that replaces it. */
    upgrade: async (owner: User, roomId: string, version: string): Promise<string> =>
      (await as(owner).post(`${inRoom(roomId)}/upgrade`, { new_version: version })).replacement_room,

    type: (user: User, roomId: string, typing: boolean): Promise<Json> =>
      as(user).put(`${inRoom(roomId)}/typing/${encodeURIComponent(user.userId)}`, {
        typing,
        timeout: 600_000,
      }),
    read: (user: User, roomId: string, eventId: string, kind: string, threadId?: string): Promise<Json> =>
      as(user).post(
        `${inRoom(roomId)}/receipt/${kind}/${encodeURIComponent(eventId)}`,
        threadId === undefined ? {} : { thread_id: threadId },
      ),
    setPresence: (user: User, presence: string, status?: string): Promise<Json> =>
      as(user).put(`v3/presence/${encodeURIComponent(user.userId)}/status`, { presence, status_msg: status }),
    tag: (user: User, roomId: string, tag: string): Promise<Json> =>
      as(user).put(`${of(user)}/rooms/${encodeURIComponent(roomId)}/tags/${tag}`, { order: 0.5 }),
    setAccountData: (user: User, type: string, content: Json): Promise<Json> =>
      as(user).put(`${of(user)}/account_data/${type}`, content),
    setRoomAccountData: (user: User, roomId: string, type: string, content: Json): Promise<Json> =>
      as(user).put(`${of(user)}/rooms/${encodeURIComponent(roomId)}/account_data/${type}`, content),
    markRead: (user: User, roomId: string, eventId: string): Promise<Json> =>
      as(user).post(`${inRoom(roomId)}/read_markers`, { 'm.fully_read': eventId }),
    mute: (user: User, roomId: string): Promise<Json> =>
      as(user).put(`v3/pushrules/global/room/${encodeURIComponent(roomId)}`, { actions: [] }),
    rename: (user: User, displayname: string): Promise<Json> =>
      as(user).put(`v3/profile/${encodeURIComponent(user.userId)}/displayname`, { displayname }),
    addAlias: (user: User, roomId: string, alias: string): Promise<Json> =>
      as(user).put(`v3/directory/room/${encodeURIComponent(alias)}`, { room_id: roomId }),
    publish: (user: User, roomId: string): Promise<Json> =>
      as(user).put(`v3/directory/list/room/${encodeURIComponent(roomId)}`, { visibility: 'public' }),
    sendToDevice: (sender: User, user: User): Promise<Json> => {
      transaction += 1;
      const messages = { [user.userId]: { '*': { secret: transaction } } };
      return as(sender).put(`v3/sendToDevice/org.example.test/test-${transaction}`, { messages });
    },
  };
}
