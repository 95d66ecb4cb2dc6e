// Clients that outlive faults: whatever was not answered whole is asked for again, from the same place.

import { Agent, request } from 'undici';
import type { AccessToken, EventId, RoomId } from '../../src/matrix/identifiers.ts';

/** How one client fares. */
export interface Record {
  /** Room id → event ids, in the order in which they came. */
  rooms: Map<RoomId, EventId[]>;
  answers: number;
  /** Requests that failed, or whose answer was cut. */
  failures: number;
  /** Requests that had neither an answer nor an end by their deadline. */
  unanswered: string[];
}

interface Event {
  type: string;
  event_id?: EventId;
  room_id?: RoomId;
}

/** What the client does until it is told to stop: asks from a position, and tells the next one. */
export interface Follower {
  readonly name: string;
  readonly record: Record;
  run(): Promise<void>;
}

interface ClientOptions {
  name: string;
  gatewayUrl: string;
  accessToken: AccessToken;
  stop: AbortSignal;
}

/** The timeout of a poll, and when a request counts as unanswered: far behind every deadline of the gateway. */
export const POLL_MS = 2_000;
const UNANSWERED_MS = 30_000;
const RETRY_MS = 100;

class Client {
  readonly record: Record = { rooms: new Map(), answers: 0, failures: 0, unanswered: [] };
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

  constructor(options: ClientOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get hasEnded(): boolean {
    return this.#options.stop.aborted;
  }

  /** Asks until it is answered whole; undefined once the client was told to stop. */
  async ask<Answer>(path: string, query: object = {}): Promise<Answer | undefined> {
    while (!this.hasEnded) {
      const answer = await this.#try<Answer>(path, query);
      if (answer !== undefined) return answer;
      this.record.failures += 1;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    return undefined;
  }

  async #try<Answer>(path: string, query: object): Promise<Answer | undefined> {
    const deadline = AbortSignal.timeout(UNANSWERED_MS);
    const parameters = new URLSearchParams(
      Object.entries(query).map(([name, value]) => [name, String(value)]),
    );
    try {
      const { statusCode, body } = await request(
        `${this.#options.gatewayUrl}/_matrix/client/${path}?${parameters}`,
        {
          dispatcher: this.#agent,
          signal: AbortSignal.any([deadline, this.#options.stop]),
          headers: { authorization: `Bearer ${this.#options.accessToken}` },
        },
      );
      const text = await body.text();
      if (statusCode !== 200) return undefined;
      this.record.answers += 1;
      return JSON.parse(text) as Answer;
    } catch {
      if (deadline.aborted) this.record.unanswered.push(path);
      return undefined;
    }
  }

  take(roomId: RoomId, events: readonly Event[]): void {
    const taken = this.record.rooms.get(roomId) ?? [];
    this.record.rooms.set(roomId, taken);
    for (const { event_id } of events) if (event_id !== undefined) taken.push(event_id);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

interface EventsAnswer {
  chunk: Event[];
  start: string;
  end: string;
}

/** A client of 2014: an initial sync, then `/events` from each answer's `end`. */
export function eventsFollower(options: ClientOptions, prefix: string, limit?: number): Follower {
  const client = new Client(options);
  return {
    name: client.name,
    record: client.record,
    run: async () => {
      const start = await client.ask<{ end: string }>(`${prefix}/initialSync`, { limit: 0 });
      let from = start?.end;
      while (from !== undefined) {
        const query = { from, timeout: POLL_MS, ...(limit !== undefined && { limit }) };
        const answer: EventsAnswer | undefined = await client.ask(`${prefix}/events`, query);
        for (const event of answer?.chunk ?? [])
          if (event.room_id !== undefined) client.take(event.room_id, [event]);
        from = answer?.end;
      }
      await client.close();
    },
  };
}

/** Somebody who previews a room: a snapshot, then its events. */
export function previewFollower(options: ClientOptions, roomId: RoomId): Follower {
  const client = new Client(options);
  return {
    name: client.name,
    record: client.record,
    run: async () => {
      const path = `v3/rooms/${encodeURIComponent(roomId)}/initialSync`;
      const start = await client.ask<{ messages: { end: string } }>(path, { limit: 1 });
      let from = start?.messages.end;
      while (from !== undefined) {
        const answer: EventsAnswer | undefined = await client.ask('v3/events', {
          room_id: roomId,
          from,
          timeout: POLL_MS,
        });
        client.take(roomId, answer?.chunk ?? []);
        from = answer?.end;
      }
      await client.close();
    },
  };
}

interface V2AlphaAnswer {
  next_batch: string;
  rooms: {
    joined: { [roomId: RoomId]: { timeline: { events: EventId[]; limited: boolean; prev_batch: string } } };
  };
}

/** A client of 2015: draft B of `v2_alpha/sync`; what a limited timeline left out, it pages back for. */
export function v2AlphaFollower(options: ClientOptions): Follower {
  const client = new Client(options);
  return {
    name: client.name,
    record: client.record,
    run: async () => {
      let since = (await client.ask<V2AlphaAnswer>('v2_alpha/sync', { timeout: 0 }))?.next_batch;
      while (since !== undefined) {
        const answer: V2AlphaAnswer | undefined = await client.ask('v2_alpha/sync', {
          since,
          timeout: POLL_MS,
        });
        for (const [roomId, { timeline }] of Object.entries(answer?.rooms.joined ?? {})) {
          const missed = timeline.limited
            ? await pageBack(client, roomId as RoomId, timeline.prev_batch, since)
            : [];
          client.take(
            roomId as RoomId,
            [...missed, ...timeline.events].map((event_id) => ({ type: '', event_id })),
          );
        }
        since = answer?.next_batch;
      }
      await client.close();
    },
  };
}

/** The events between two positions, oldest first. */
async function pageBack(client: Client, roomId: RoomId, from: string, to: string): Promise<EventId[]> {
  const path = `v2_alpha/rooms/${encodeURIComponent(roomId)}/messages`;
  const events: EventId[] = [];
  for (let position: string | undefined = from; position !== undefined;) {
    const page: { chunk: Event[]; end?: string } | undefined = await client.ask(path, {
      dir: 'b',
      from: position,
      to,
      limit: 100,
    });
    if (page === undefined || page.chunk.length === 0) break;
    for (const { event_id } of page.chunk) if (event_id !== undefined) events.unshift(event_id);
    position = page.end;
  }
  return events;
}
