// A client that follows /events through several gateways in front of one sandbox, while a history happens.

import type { Config } from '../../src/config/config.ts';
import type { TestSandbox } from './sandbox/test-sandbox.ts';
import type { Membership } from '../../src/sandbox/room.ts';
import type { EventId, RoomId, UserId } from '../../src/matrix/identifiers.ts';
import { startGateway, type Gateway } from './gateway.ts';
import { GATEWAYS, ROOMS, type Action } from './law-history.ts';

export type HomeserverKindName = Config['homeserverKind'];

export interface Received {
  eventId: EventId;
  roomId: RoomId;
  /** Which answer it came in. */
  answer: number;
}

interface Answer {
  start: string;
  end: string;
  chunk: { event_id?: EventId; room_id?: RoomId; type: string; content: { membership?: string } }[];
}

export class Follower {
  readonly received: Received[] = [];
  readonly rooms: RoomId[];
  readonly #sandbox: TestSandbox;
  readonly #gateways: Gateway[];
  readonly #host: UserId;
  readonly #me: UserId;
  readonly #accessToken: string;
  /** Where the client is, and where it was before its last answer. */
  #from = '';
  #before: { from: string; received: number } | undefined;
  #answers = 0;
  #serial = 0;
  #memberships = new Map<RoomId, Membership>();
  readonly refused = new Set<RoomId>();
  readonly #kind: HomeserverKindName;

  private constructor(sandbox: TestSandbox, gateways: Gateway[], kind: HomeserverKindName) {
    const { homeserver } = sandbox;
    this.#kind = kind;
    this.#sandbox = sandbox;
    this.#gateways = gateways;
    const serial = homeserver.users.size;
    this.#host = homeserver.createUser(`host${serial}`);
    this.#me = homeserver.createUser(`me${serial}`);
    this.#accessToken = homeserver.login(this.#me).accessToken;
    this.rooms = Array.from({ length: ROOMS }, () =>
      homeserver.createRoom(this.#host, { preset: 'public_chat' }),
    );
  }

  get userId(): UserId {
    return this.#me;
  }

  static async start(
    sandbox: TestSandbox,
    gateways: Gateway[],
    kind: HomeserverKindName = 'sandbox',
  ): Promise<Follower> {
    const follower = new Follower(sandbox, gateways, kind);
    for (const roomId of follower.rooms.slice(0, 2)) follower.#become('join', roomId);
    const { end } = await follower.#ask('', 0, undefined);
    follower.#from = end;
    return follower;
  }

  async act(action: Action): Promise<void> {
    const { homeserver } = this.#sandbox;
    switch (action.do) {
      case 'say':
        for (let i = 0; i < action.times; i += 1) this.#say(action.room);
        return;
      case 'fork': {
        const depth = Math.max(
          1,
          homeserver.room(this.#room(action.room)).timeline.highestDepth - action.lower,
        );
        for (let i = 0; i < action.times; i += 1)
          homeserver.say(this.#host, this.#room(action.room), `late ${(this.#serial += 1)}`, { depth });
        return;
      }
      case 'state': {
        const content = { topic: `${(this.#serial += 1)}` };
        homeserver.send(this.#host, this.#room(action.room), { type: 'm.room.topic', stateKey: '', content });
        return;
      }
      case 'poll':
        return this.#poll(action);
      case 'retry':
        return this.#retry(action);
      case 'restart':
        return this.#restart(action.gateway);
      default:
        this.#change(action.do, this.#room(action.room));
    }
  }

  /** Polls until nothing is left, through so many gateways, one after the other. */
  async catchUp(gateways = GATEWAYS): Promise<void> {
    for (let quiet = 0, call = 0; quiet < 2; call += 1) {
      if (call > 3000) throw new Error('the stream does not end');
      const before = this.#from;
      const count = this.received.length;
      await this.#poll({ do: 'poll', limit: 50, gateway: call % gateways, talksMeanwhile: false });
      quiet = this.#from === before && this.received.length === count ? quiet + 1 : 0;
    }
  }

  async #poll({ limit, gateway, talksMeanwhile }: Extract<Action, { do: 'poll' }>): Promise<void> {
    this.#before = { from: this.#from, received: this.received.length };
    const asked = this.#ask(this.#from, gateway, limit);
    if (talksMeanwhile) this.#talk();
    const { start, end, chunk } = await asked;
    this.#sandbox.faults.betweenNextBatchAndTimelines = undefined;
    if (start !== this.#from) throw new Error(`asked from ${this.#from}, answered from ${start}`);
    const events = chunk.filter(({ event_id, type }) => event_id !== undefined && type !== 'm.presence');
    const history = events.filter(({ content }) => content.membership !== 'invite');
    if (history.length > (limit ?? 500)) throw new Error(`${history.length} events, asked for ${limit}`);
    this.#answers += 1;
    for (const { event_id, room_id } of history) {
      this.received.push({ eventId: event_id as EventId, roomId: room_id as RoomId, answer: this.#answers });
    }
    this.#from = end;
  }

  /** Somebody goes on talking; on Conduit also between the two moments at which it takes what it answers. */
  #talk(): void {
    const { faults } = this.#sandbox;
    const inEachRoom = (): void => {
      for (let room = 0; room < ROOMS; room += 1) this.#say(room);
    };
    faults.betweenNextBatchAndTimelines = () => {
      faults.betweenNextBatchAndTimelines = undefined;
      inEachRoom();
    };
    inEachRoom();
  }

  async #retry({ limit, gateway }: Extract<Action, { do: 'retry' }>): Promise<void> {
    if (this.#before === undefined) return;
    this.#from = this.#before.from;
    this.received.length = this.#before.received;
    await this.#poll({ do: 'poll', limit, gateway, talksMeanwhile: false });
  }

  async #restart(index: number): Promise<void> {
    await this.#gateways[index]?.close();
    this.#gateways[index] = await startLawGateway(this.#sandbox.url, index, this.#kind);
  }

  async #ask(from: string, gateway: number, limit: number | undefined): Promise<Answer> {
    const query = new URLSearchParams({
      from,
      timeout: '0',
      ...(limit !== undefined && { limit: String(limit) }),
    });
    const response = await fetch(`${this.#gateways[gateway]?.url}/_matrix/client/r0/events?${query}`, {
      headers: { authorization: `Bearer ${this.#accessToken}` },
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return JSON.parse(text) as Answer;
  }

  #room(index: number): RoomId {
    return this.rooms[index] as RoomId;
  }

  #say(room: number): void {
    this.#sandbox.homeserver.say(this.#host, this.#room(room), `${(this.#serial += 1)}`);
  }

  /** What a client may do now; anything else does not happen. */
  #change(change: 'join' | 'leave' | 'ban' | 'forget' | 'invite', roomId: RoomId): void {
    const membership = this.#memberships.get(roomId);
    if (change === 'join' && membership !== 'join' && membership !== 'ban') this.#become('join', roomId);
    if (change === 'leave' && membership === 'join') this.#become('leave', roomId);
    if (change === 'ban') {
      this.refused.add(roomId);
      this.#become('ban', roomId);
    }
    if (change === 'forget' && membership === 'leave') {
      this.refused.add(roomId);
      this.#sandbox.homeserver.forget(this.#me, roomId);
    }
    if (change === 'invite' && membership === undefined) this.#become('invite', roomId);
  }

  #become(membership: Membership, roomId: RoomId): void {
    const sender = membership === 'join' || membership === 'leave' ? this.#me : this.#host;
    this.#sandbox.homeserver.setMembership(sender, roomId, this.#me, membership);
    this.#memberships.set(roomId, membership);
  }
}

/** One replica; the last one remembers nothing, as after an eviction of everything. */
export function startLawGateway(
  homeserverUrl: string,
  index: number,
  kind: HomeserverKindName = 'sandbox',
): Promise<Gateway> {
  const settings = index === GATEWAYS - 1 ? { cacheSize: 2048 } : {};
  return startGateway(homeserverUrl, { homeserverKind: kind, ...settings });
}
