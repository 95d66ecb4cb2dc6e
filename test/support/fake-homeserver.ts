// A homeserver that answers what a test says, and remembers what it was asked.

import type { Homeserver } from '../../src/homeserver/homeserver.ts';
import { HomeserverError } from '../../src/matrix/errors.ts';
import type { DeviceId, UserId } from '../../src/matrix/identifiers.ts';

type CallName = keyof Homeserver;

/** One call that was made: its arguments as they were given, the signal among them. */
export interface Asked {
  name: CallName;
  args: readonly unknown[];
}

/**
 * Answers with what the test gives for each call; what is not given, this homeserver does not have: 404
 * `M_UNRECOGNIZED`. Only `whoami` is always there: everybody is `@me:test`.
 */
export class FakeHomeserver implements Homeserver {
  readonly asked: Asked[] = [];
  readonly #answers: Partial<Homeserver>;

  constructor(answers: Partial<Homeserver> = {}) {
    const whoami = async () => ({ user_id: '@me:test' as UserId, device_id: 'DEVICE' as DeviceId });
    this.#answers = { whoami, ...answers };
  }

  /** How often a call was made. */
  count(name: CallName): number {
    return this.callsOf(name).length;
  }

  /** The arguments of each time that a call was made. */
  callsOf<Name extends CallName>(name: Name): Parameters<Homeserver[Name]>[] {
    return this.asked
      .filter((call) => call.name === name)
      .map(({ args }) => args as Parameters<Homeserver[Name]>);
  }

  whoami: Homeserver['whoami'] = (...args) => this.#answer('whoami', args);
  streamSync: Homeserver['streamSync'] = (...args) => this.#answer('streamSync', args);
  streamMessages: Homeserver['streamMessages'] = (...args) => this.#answer('streamMessages', args);
  messagesPage: Homeserver['messagesPage'] = (...args) => this.#answer('messagesPage', args);
  context: Homeserver['context'] = (...args) => this.#answer('context', args);
  stateEvent: Homeserver['stateEvent'] = (...args) => this.#answer('stateEvent', args);
  streamState: Homeserver['streamState'] = (...args) => this.#answer('streamState', args);
  roomSummary: Homeserver['roomSummary'] = (...args) => this.#answer('roomSummary', args);
  tags: Homeserver['tags'] = (...args) => this.#answer('tags', args);
  presence: Homeserver['presence'] = (...args) => this.#answer('presence', args);
  slidingSync: Homeserver['slidingSync'] = (...args) => this.#answer('slidingSync', args);
  event: Homeserver['event'] = (...args) => this.#answer('event', args);
  joinedRooms: Homeserver['joinedRooms'] = (...args) => this.#answer('joinedRooms', args);
  notifications: Homeserver['notifications'] = (...args) => this.#answer('notifications', args);
  roomVisibility: Homeserver['roomVisibility'] = (...args) => this.#answer('roomVisibility', args);
  request: Homeserver['request'] = (...args) => this.#answer('request', args);
  streamRequest: Homeserver['streamRequest'] = (...args) => this.#answer('streamRequest', args);
  versions: Homeserver['versions'] = (...args) => this.#answer('versions', args);
  serverName: Homeserver['serverName'] = (...args) => this.#answer('serverName', args);

  async #answer<Name extends CallName>(
    name: Name,
    args: Parameters<Homeserver[Name]>,
  ): Promise<Awaited<ReturnType<Homeserver[Name]>>> {
    this.asked.push({ name, args });
    const answer = this.#answers[name] as ((...given: unknown[]) => ReturnType<Homeserver[Name]>) | undefined;
    if (answer === undefined) throw aRefusal(404, 'M_UNRECOGNIZED', 'Unrecognized request');
    return await answer(...args);
  }
}

/** An error as the homeserver sends it. */
export function aRefusal(status: number, errcode: string, error: string, more: object = {}): HomeserverError {
  const body = Buffer.from(JSON.stringify({ errcode, error, ...more }));
  return new HomeserverError(status, body, { 'content-type': 'application/json' });
}

/** A whole answer as a stream, in pieces of so many bytes. */
export async function* inChunks(answer: object | string, chunkLength = 64): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
  for (let at = 0; at < bytes.length; at += chunkLength) yield bytes.subarray(at, at + chunkLength);
}

/** A stream that gives what the test sends, when it sends it. */
export class HeldStream implements AsyncIterable<Buffer> {
  /** Resolves when the reader stopped before the end. */
  readonly abandoned: Promise<void>;
  readonly #abandon: () => void;
  #queue: (() => Buffer | undefined)[] = [];
  #wake = Promise.withResolvers<void>();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.abandoned = promise;
    this.#abandon = resolve;
  }

  send(text: string): void {
    this.#put(() => Buffer.from(text));
  }

  end(): void {
    this.#put(() => undefined);
  }

  /** Fails when the call is aborted, as the real one does. */
  during(signal: AbortSignal | undefined): this {
    signal?.addEventListener('abort', () => this.fail(signal.reason));
    return this;
  }

  fail(error: unknown): void {
    this.#put(() => {
      throw error;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let isOver = false;
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next === undefined) {
          await this.#wake.promise;
          continue;
        }
        isOver = true;
        const chunk = next();
        if (chunk === undefined) return;
        isOver = false;
        yield chunk;
      }
    } finally {
      if (!isOver) this.#abandon();
    }
  }

  #put(next: () => Buffer | undefined): void {
    this.#queue.push(next);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}
