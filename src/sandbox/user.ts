import type { ClientEvent, JsonObject } from '../matrix/client-event.ts';
import type { AccessToken, DeviceId, Milliseconds, RoomId, UserId } from '../matrix/identifiers.ts';
import type { Room } from './room.ts';
import type { StoredEvent } from './stored-event.ts';

/** A value with the position of the stream at which it was set. */
export interface Placed<Value> {
  value: Value;
  stream: number;
}

export interface Presence {
  presence: 'online' | 'offline' | 'unavailable';
  statusMessage: string | undefined;
  activeAt: Milliseconds;
  stream: number;
}

/** An access token and whose it is. */
export interface Session {
  accessToken: AccessToken;
  user: User;
  deviceId: DeviceId;
}

const DEFAULT_PUSH_RULES = {
  global: {
    override: [
      { rule_id: '.m.rule.master', default: true, enabled: false, conditions: [], actions: ['dont_notify'] },
    ],
    content: [],
    room: [],
    sender: [],
    underride: [],
  },
};

/** A user, with all that is nobody else's. */
export class User {
  readonly userId: UserId;
  readonly isGuest: boolean;
  password: string | undefined;
  profile: { displayname?: string; avatar_url?: string } = {};
  presence: Presence | undefined;
  /** Rooms in which the user has or had any membership. */
  readonly rooms = new Set<Room>();
  readonly forgotten = new Set<RoomId>();
  readonly accountData = new Map<string, Placed<JsonObject>>();
  readonly roomAccountData = new Map<RoomId, Map<string, Placed<JsonObject>>>();
  readonly filters: JsonObject[] = [];
  /** Oldest first. */
  readonly invites: StoredEvent[] = [];
  readonly toDevice = new Map<DeviceId, Placed<ClientEvent>[]>();

  constructor(userId: UserId, options: { isGuest: boolean; password: string | undefined }) {
    this.userId = userId;
    this.isGuest = options.isGuest;
    this.password = options.password;
    this.accountData.set('m.push_rules', { value: DEFAULT_PUSH_RULES, stream: 0 });
  }

  ignores(other: UserId): boolean {
    const ignored = this.accountData.get('m.ignored_user_list')?.value['ignored_users'];
    return typeof ignored === 'object' && ignored !== null && Object.hasOwn(ignored, other);
  }

  sharesRoomWith(other: UserId): boolean {
    return this.joinedRooms().some((room) => room.membership(other) === 'join');
  }

  joinedRooms(): Room[] {
    return [...this.rooms].filter((room) => room.membership(this.userId) === 'join');
  }
}
