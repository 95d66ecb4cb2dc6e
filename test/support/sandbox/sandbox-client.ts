import { expect, onTestFinished } from 'vitest';
import type { ClientEvent, JsonObject } from '../../../src/matrix/client-event.ts';
import type { RoomId, UserId } from '../../../src/matrix/identifiers.ts';
import type { SyncAnswer } from './sandbox-answers.ts';
import { createTestSandbox, type TestSandbox } from './test-sandbox.ts';

/** A sandbox that ends with the test. */
export async function aSandbox(): Promise<TestSandbox> {
  const sandbox = await createTestSandbox();
  onTestFinished(() => sandbox.close());
  return sandbox;
}

export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** A user with a session, over real HTTP. All but `request` fail the test on any status but 200. */
export interface Client {
  userId: UserId;
  deviceId: string;
  request<Body = JsonObject>(
    method: string,
    path: string,
    options?: { body?: unknown; signal?: AbortSignal },
  ): Promise<Answer<Body>>;
  get<Body = JsonObject>(path: string): Promise<Body>;
  put<Body = JsonObject>(path: string, body: object): Promise<Body>;
  post<Body = JsonObject>(path: string, body?: object): Promise<Body>;
  sync(query?: Record<string, string | number>, filter?: object): Promise<SyncAnswer>;
  /** All pages of `/messages` in one direction. */
  readAll(roomId: RoomId, query: Record<string, string | number>): Promise<ClientEvent[]>;
}

export function aClient(sandbox: TestSandbox, name: string, options: { isGuest?: boolean } = {}): Client {
  const userId = `@${name}:sandbox.test` as UserId;
  if (!sandbox.homeserver.users.has(userId)) sandbox.homeserver.createUser(name, options);
  const { accessToken, deviceId } = sandbox.homeserver.login(userId);

  const request: Client['request'] = async <Body>(
    method: string,
    path: string,
    { body, signal }: { body?: unknown; signal?: AbortSignal } = {},
  ) => {
    const url = sandbox.url + (path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`);
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${accessToken}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text && JSON.parse(text)) as Body };
  };
  const orFail = async <Body>(method: string, path: string, body?: object): Promise<Body> => {
    const answer = await request<Body>(method, path, body && { body });
    expect(answer).toMatchObject({ status: 200 });
    return answer.body;
  };
  const client: Client = {
    userId,
    deviceId,
    request,
    get: (path) => orFail('GET', path),
    put: (path, body) => orFail('PUT', path, body),
    post: (path, body = {}) => orFail('POST', path, body),
    sync: (query = {}, filter) =>
      orFail('GET', `/sync?${toQuery({ ...query, ...(filter && { filter: JSON.stringify(filter) }) })}`),
    readAll: async (roomId, query) => {
      const events: ClientEvent[] = [];
      for (let from = query['from']; ;) {
        const page = await client.get<{ chunk: ClientEvent[]; end?: string }>(
          `/rooms/${roomId}/messages?${toQuery({ ...query, ...(from !== undefined && { from }) })}`,
        );
        events.push(...page.chunk);
        if (page.end === undefined) return events;
        from = page.end;
      }
    },
  };
  return client;
}

export function toQuery(query: Record<string, string | number>): URLSearchParams {
  return new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
}

export const idsOf = (events: readonly { event_id?: string }[] = []): (string | undefined)[] =>
  events.map((event) => event.event_id);

export const bodiesOf = (events: readonly ClientEvent[] = []): unknown[] =>
  events.filter(({ type }) => type === 'm.room.message').map(({ content }) => content?.['body']);
