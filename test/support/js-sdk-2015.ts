// matrix-js-sdk 0.3.0 of 2015, the last that speaks api/v1, unmodified: one user's session, and a way to wait for what
// it comes to know.

import { createRequire } from 'node:module';

// oxlint-disable-next-line typescript/no-explicit-any -- it is older than TypeScript's types for it
type Sdk = any;

const sdk: Sdk = createRequire(import.meta.url)('matrix-js-sdk-0.3');

export interface OldSession {
  client: Sdk;
  userId: string;
  /** Every event that the stream brought, in order. */
  events: Sdk[];
  /** Resolves to what `look` finds, as soon as the client knows it: looked for again whenever the client says something. */
  until<Found>(what: string, look: () => Found | undefined | false | null): Promise<Found>;
  /** The client, from its first initial sync on. Rejects where the client gives up. */
  start(): Promise<void>;
  stop(): void;
}

const WHAT_IT_SAYS = [
  'event',
  'Room',
  'Room.timeline',
  'Room.receipt',
  'RoomMember.membership',
  'RoomMember.typing',
  'RoomState.events',
  'User.presence',
  'syncComplete',
];
const PATIENCE_MS = 40_000;

/** Registers, as the client does: over v2_alpha; then logs in, over api/v1. */
export async function newOldSession(url: string, name: string): Promise<OldSession> {
  const nobody = sdk.createClient({ baseUrl: url });
  await nobody.register(name, 'secret', undefined, { type: 'm.login.dummy' });
  const answer = await nobody.loginWithPassword(name, 'secret');
  return oldSession(url, answer.user_id, answer.access_token);
}

function oldSession(url: string, userId: string, accessToken: string): OldSession {
  const client = sdk.createClient({
    baseUrl: url,
    userId,
    accessToken,
    store: new sdk.MatrixInMemoryStore(),
  });
  const events: Sdk[] = [];
  const lookAgain = new Set<() => void>();
  client.on('event', (event: Sdk) => events.push(event));
  for (const name of WHAT_IT_SAYS) client.on(name, () => lookAgain.forEach((look) => look()));

  function until<Found>(what: string, look: () => Found | undefined | false | null): Promise<Found> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`the client does not come to know: ${what}`)),
        PATIENCE_MS,
      );
      const again = (): void => {
        const found = look();
        if (found === undefined || found === null || found === false) return;
        clearTimeout(late);
        lookAgain.delete(again);
        resolve(found);
      };
      lookAgain.add(again);
      again();
    });
  }

  return {
    client,
    userId,
    events,
    until,
    start: () =>
      new Promise((resolve, reject) => {
        client.once('syncComplete', () => resolve());
        client.once('syncError', (error: unknown) =>
          reject(new Error(`syncError: ${JSON.stringify(error)}`)),
        );
        client.startClient({ initialSyncLimit: 8 });
      }),
    stop: () => client.stopClient(),
  };
}

/** The bodies of a room's messages, as its timeline has them. */
export const bodiesIn = (room: Sdk): string[] =>
  room.timeline.map((event: Sdk) => event.getContent().body).filter((body: unknown) => body !== undefined);
