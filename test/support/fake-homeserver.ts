// A homeserver that answers what a test says, and remembers what it was asked.

import type { Account, Caller, CallName, Homeserver, Nobody } from '../../src/homeserver/homeserver.ts';
import { HomeserverError } from '../../src/matrix/errors.ts';
import type { AccessToken, DeviceId, UserId } from '../../src/matrix/identifiers.ts';

type AccountCall = Extract<CallName, keyof Account>;
type OpenCall = Exclude<CallName, keyof Account>;

/** Who asks, and until when. */
interface Asking {
  caller: Caller | Nobody;
  signal: AbortSignal;
}

/** What a test may answer: each call of the port; those of an account are told who asks as well. */
export type FakeAnswers = Partial<Pick<Homeserver, OpenCall>> & {
  [Name in AccountCall]?: (
    ...args: [...Parameters<Account[Name]>, asking: Asking]
  ) => ReturnType<Account[Name]>;
};

type Arguments<Name extends CallName> = Name extends AccountCall
  ? Parameters<Account[Name]>
  : Parameters<Homeserver[Exclude<Name, AccountCall>]>;

/** One call that was made: its arguments as they were given, and the signal that ends it. */
export interface Asked {
  name: CallName;
  args: readonly unknown[];
  signal?: AbortSignal;
}

/**
 * Answers with what the test gives for each call; what is not given, this homeserver does not have: 404
 * `M_UNRECOGNIZED`. Only `whoami` is always there: everybody is `@me:test`.
 */
export class FakeHomeserver implements Homeserver {
  readonly asked: Asked[] = [];
  readonly #answers: FakeAnswers;

  constructor(answers: FakeAnswers = {}) {
    const whoami = async () => ({ user_id: '@me:test' as UserId, device_id: 'DEVICE' as DeviceId });
    this.#answers = { whoami, ...answers };
  }

  /** How often a call was made. */
  count(name: CallName): number {
    return this.callsOf(name).length;
  }

  /** The arguments of each time that a call was made. */
  callsOf<Name extends CallName>(name: Name): Arguments<Name>[] {
    return this.asked.filter((call) => call.name === name).map(({ args }) => args as Arguments<Name>);
  }

  roomVisibility: Homeserver['roomVisibility'] = (...args) => this.#answer('roomVisibility', args);
  versions: Homeserver['versions'] = (...args) => this.#answer('versions', args);
  serverName: Homeserver['serverName'] = (...args) => this.#answer('serverName', args);

  as = (
    caller: Caller | Nobody = { accessToken: 'secret' as AccessToken },
    signal: AbortSignal = new AbortController().signal,
  ): Account => {
    const answer =
      <Name extends AccountCall>(name: Name) =>
      (...args: Parameters<Account[Name]>) =>
        this.#answer<Awaited<ReturnType<Account[Name]>>>(name, args, { caller, signal }) as ReturnType<
          Account[Name]
        >;
    return {
      caller,
      signal,
      until: (other) => this.as(caller, other),
      whoami: answer('whoami'),
      streamSync: answer('streamSync'),
      streamMessages: answer('streamMessages'),
      messagesPage: answer('messagesPage'),
      context: answer('context'),
      stateEvent: answer('stateEvent'),
      streamState: answer('streamState'),
      roomSummary: answer('roomSummary'),
      tags: answer('tags'),
      presence: answer('presence'),
      slidingSync: answer('slidingSync'),
      event: answer('event'),
      joinedRooms: answer('joinedRooms'),
      notifications: answer('notifications'),
      request: answer('request'),
      streamRequest: answer('streamRequest'),
    };
  };

  async #answer<Answer>(name: CallName, args: readonly unknown[], asking?: Asking): Promise<Answer> {
    this.asked.push({ name, args, ...(asking !== undefined && { signal: asking.signal }) });
    const answer = this.#answers[name] as ((...given: unknown[]) => Promise<Answer>) | undefined;
    if (answer === undefined) throw aRefusal(404, 'M_UNRECOGNIZED', 'Unrecognized request');
    return await answer(...args, ...(asking === undefined ? [] : [asking]));
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
