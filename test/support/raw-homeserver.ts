// A homeserver over a real socket that answers each kind of call with one JSON text, whatever that is, and counts them.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is asked: the last words of the path, ids left out. */
export type CallName = keyof typeof PATHS;

const PATHS = {
  versions: /^\/_matrix\/client\/versions$/,
  whoami: /\/account\/whoami$/,
  sync: /\/v3\/sync$/,
  slidingSync: /\/org\.matrix\.simplified_msc3575\/sync$/,
  messages: /\/messages$/,
  context: /\/context\/[^/]+$/,
  event: /\/rooms\/[^/]+\/event\/[^/]+$/,
  stateEvent: /\/state\/.+$/,
  state: /\/state$/,
  members: /\/members$/,
  joinedRooms: /\/joined_rooms$/,
  notifications: /\/notifications$/,
  presence: /\/presence\/[^/]+\/status$/,
  tags: /\/tags$/,
  roomSummary: /\/room_summary\/[^/]+$/,
  roomVisibility: /\/directory\/list\/room\/[^/]+$/,
  publicRooms: /\/publicRooms$/,
};

export type Answers = Partial<Record<CallName, unknown>>;

export class RawHomeserver {
  readonly url: string;
  /** An answer is a value, or made for each call; of what is not given: 404. */
  answers: Record<string, unknown>;
  readonly #server: Server;
  #counts = new Map<string, number>();

  private constructor(server: Server, answers: Record<string, unknown>) {
    this.#server = server;
    this.answers = answers;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      const name = Object.entries(PATHS).find(([, pattern]) => pattern.test(path))?.[0] ?? 'other';
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
      request.resume();
      const given = this.answers[name];
      const answer: unknown =
        typeof given === 'function'
          ? (given as (url: URL) => unknown)(new URL(request.url ?? '', this.url))
          : given;
      const isKnown = name in this.answers;
      const body = isKnown ? answer : { errcode: 'M_UNRECOGNIZED', error: 'Unrecognized request' };
      response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body) ?? '');
    });
  }

  static async start(answers: Record<string, unknown>): Promise<RawHomeserver> {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new RawHomeserver(server, answers);
  }

  /** How often each call was made since this was asked last. */
  takeCounts(): Record<string, number> {
    const counts = Object.fromEntries(this.#counts);
    this.#counts = new Map();
    return counts;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
