// The in-memory model: users, rooms and one stream of all that happens. It grants everything: what a client may do is
// decided in permissions.ts, so that tests write histories directly, and fast.

import { randomBytes } from 'node:crypto';
import type { JsonObject } from '../matrix/client-event.ts';
import type { AccessToken, DeviceId, EventId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import { initialEvents, type RoomOptions } from './new-room.ts';
import { type Audience, Polls } from './polls.ts';
import { type Membership, Room } from './room.ts';
import { applyRedaction, createEventId, type NewEvent, type StoredEvent } from './stored-event.ts';
import { type Presence, type Session, User } from './user.ts';

const DEFAULT_ROOM_VERSION = '12';
const TYPING_EXPIRES_MS = 30_000;

export class SandboxHomeserver {
  readonly serverName: string;
  readonly users = new Map<UserId, User>();
  readonly rooms = new Map<RoomId, Room>();
  readonly sessions = new Map<AccessToken, Session>();
  readonly events = new Map<EventId, StoredEvent>();
  readonly aliases = new Map<string, RoomId>();
  readonly polls = new Polls();
  /** Everything that clients can be told takes the next number. */
  stream = 0;
  readonly #now: () => Milliseconds;

  constructor(options: { serverName: string; now: () => Milliseconds }) {
    this.serverName = options.serverName;
    this.#now = options.now;
  }

  get nowMs(): Milliseconds {
    return this.#now();
  }

  // Users

  createUser(localpart: string, options: { password?: string; isGuest?: boolean } = {}): UserId {
    const userId = `@${localpart}:${this.serverName}` as UserId;
    const { password, isGuest = false } = options;
    this.users.set(userId, new User(userId, { password, isGuest }));
    return userId;
  }

  /** A new session on a device, which is made where none is named. */
  login(userId: UserId, deviceId = randomBytes(5).toString('hex').toUpperCase()): Session {
    const accessToken = `sbt_${randomBytes(24).toString('base64url')}` as AccessToken;
    const session = { accessToken, user: this.user(userId), deviceId: deviceId as DeviceId };
    this.sessions.set(accessToken, session);
    return session;
  }

  user(userId: UserId): User {
    const user = this.users.get(userId);
    if (user === undefined) throw new Error(`no such user: ${userId}`);
    return user;
  }

  setAccountData(userId: UserId, type: string, content: JsonObject, roomId?: RoomId): void {
    const { accountData, roomAccountData } = this.user(userId);
    const ofRoom = roomId && (roomAccountData.get(roomId) ?? new Map());
    if (roomId && ofRoom) roomAccountData.set(roomId, ofRoom);
    (ofRoom ?? accountData).set(type, { value: content, stream: this.#next() });
    this.wake({ userId });
  }

  /** Never changes by itself: nobody goes offline by being silent. */
  setPresence(userId: UserId, presence: Presence['presence'], statusMessage?: string): void {
    const user = this.user(userId);
    user.presence = { presence, statusMessage, activeAt: this.nowMs, stream: this.#next() };
    this.wake({ userId });
    for (const room of user.joinedRooms()) this.wake({ room });
  }

  sendToDevice(
    sender: UserId,
    userId: UserId,
    deviceId: string,
    message: { type: string; content: JsonObject },
  ): void {
    const { toDevice } = this.user(userId);
    const own = [...this.sessions.values()].filter((session) => session.user.userId === userId);
    for (const device of new Set(own.map((session) => session.deviceId))) {
      if (deviceId !== '*' && deviceId !== device) continue;
      toDevice.set(device, [
        ...(toDevice.get(device) ?? []),
        { value: { ...message, sender }, stream: this.#next() },
      ]);
    }
    this.wake({ userId });
  }

  // Rooms

  createRoom(creator: UserId, options: RoomOptions = {}): RoomId {
    const version = options.room_version ?? DEFAULT_ROOM_VERSION;
    const seed = createEventId('12', this.serverName, `room ${this.rooms.size}`).slice(1);
    const roomId = (
      Number(version) >= 12 ? `!${seed}` : `!${seed.slice(0, 18)}:${this.serverName}`
    ) as RoomId;
    const room = new Room(roomId, version);
    this.rooms.set(roomId, room);
    room.isPublished = options.visibility === 'public';
    if (options.room_alias_name !== undefined)
      this.aliases.set(`#${options.room_alias_name}:${this.serverName}`, roomId);
    for (const event of initialEvents(this.user(creator), this.serverName, version, options))
      this.send(creator, roomId, event);
    for (const invitee of options.invite ?? []) {
      const isDirect = options.is_direct === true ? { is_direct: true } : {};
      this.setMembership(creator, roomId, invitee, 'invite', isDirect);
    }
    return roomId;
  }

  room(roomId: RoomId): Room {
    const room = this.rooms.get(roomId);
    if (room === undefined) throw new Error(`no such room: ${roomId}`);
    return room;
  }

  send(sender: UserId, roomId: RoomId, event: NewEvent): StoredEvent {
    const room = this.room(roomId);
    const stream = this.#next();
    const stored: StoredEvent = {
      eventId: createEventId(room.version, this.serverName, `event ${stream}`),
      roomId,
      type: event.type,
      sender,
      stateKey: event.stateKey,
      content: event.content ?? {},
      sentAt: this.nowMs,
      stream,
      depth: event.depth ?? room.timeline.highestDepth + 1,
      redacts: event.redacts,
      replaces: event.stateKey === undefined ? undefined : room.stateEvent(event.type, event.stateKey),
      transaction: event.transaction,
    };
    room.add(stored);
    this.events.set(stored.eventId, stored);
    if (event.type === 'm.room.member') this.#membershipChanged(room, stored);
    this.wake({ room });
    return stored;
  }

  say(sender: UserId, roomId: RoomId, body: string, more: Partial<NewEvent> = {}): StoredEvent {
    return this.send(sender, roomId, {
      type: 'm.room.message',
      content: { msgtype: 'm.text', body },
      ...more,
    });
  }

  redact(sender: UserId, roomId: RoomId, redacts: EventId, more: Partial<NewEvent> = {}): StoredEvent {
    const redaction = this.send(sender, roomId, { type: 'm.room.redaction', redacts, ...more });
    const target = this.events.get(redacts);
    if (target?.roomId === roomId) applyRedaction(target, redaction);
    return redaction;
  }

  setMembership(
    sender: UserId,
    roomId: RoomId,
    target: UserId,
    membership: Membership,
    more: JsonObject = {},
  ): StoredEvent {
    const profile = membership === 'join' || membership === 'invite' ? this.users.get(target)?.profile : {};
    const content = { ...profile, ...more, membership };
    return this.send(sender, roomId, { type: 'm.room.member', stateKey: target, content });
  }

  join = (userId: UserId, roomId: RoomId): StoredEvent => this.setMembership(userId, roomId, userId, 'join');
  leave = (userId: UserId, roomId: RoomId): StoredEvent =>
    this.setMembership(userId, roomId, userId, 'leave');
  knock = (userId: UserId, roomId: RoomId): StoredEvent =>
    this.setMembership(userId, roomId, userId, 'knock');
  invite = (sender: UserId, roomId: RoomId, target: UserId): StoredEvent =>
    this.setMembership(sender, roomId, target, 'invite');
  kick = (sender: UserId, roomId: RoomId, target: UserId): StoredEvent =>
    this.setMembership(sender, roomId, target, 'leave');
  ban = (sender: UserId, roomId: RoomId, target: UserId): StoredEvent =>
    this.setMembership(sender, roomId, target, 'ban');
  unban = this.kick;

  forget(userId: UserId, roomId: RoomId): void {
    this.user(userId).forgotten.add(roomId);
  }

  setTyping(
    userId: UserId,
    roomId: RoomId,
    isTyping: boolean,
    expiresMs: Milliseconds = TYPING_EXPIRES_MS,
  ): void {
    const room = this.room(roomId);
    const { users } = room.typing;
    if (!isTyping && !users.has(userId)) return;
    clearTimeout(users.get(userId));
    if (isTyping)
      users.set(userId, setTimeout(() => this.setTyping(userId, roomId, false), expiresMs).unref());
    else users.delete(userId);
    room.typing.stream = this.#next();
    this.wake({ room });
  }

  sendReceipt(userId: UserId, roomId: RoomId, eventId: EventId, type = 'm.read', threadId?: string): void {
    const room = this.room(roomId);
    const receipt = { userId, type, eventId, threadId, sentAt: this.nowMs, stream: this.#next() };
    room.receipts.set(`${type} ${userId} ${threadId ?? ''}`, receipt);
    this.wake({ room });
  }

  /** The polls that news concern look again whether there is anything to tell. */
  wake(audience: Audience = {}): void {
    this.polls.wake(audience);
  }

  #membershipChanged(room: Room, event: StoredEvent): void {
    const user = this.users.get(event.stateKey as UserId);
    if (user === undefined) return;
    user.rooms.add(room);
    user.forgotten.delete(room.roomId);
    if (event.content['membership'] === 'invite') user.invites.push(event);
  }

  #next(): number {
    this.stream += 1;
    return this.stream;
  }
}
