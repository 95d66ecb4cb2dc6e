import type { Narrator } from './narrator.ts';

/** The demo did not go as the story says. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';

  constructor(what: string, options?: ErrorOptions) {
    super(`the demo failed: ${what}`, options);
  }
}

/** A client as they were: the access token in the query, on whichever prefix; each request and answer is told. */
export interface OldClient {
  readonly who: string;
  /** Set by whoever logs it in. */
  accessToken: string | undefined;
  /** Path and query below `/_matrix/client` → the answer; throws a `DemoFailure` for any status but 200. */
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: object): Promise<Answer>;
  put<Answer>(path: string, body: object): Promise<Answer>;
  /** `m1`, `m2`, …: what it sends is told apart by them. */
  nextTransactionId(): string;
}

export function createOldClient(options: { gatewayUrl: string; who: string; narrator: Narrator }): OldClient {
  const { gatewayUrl, who, narrator } = options;

  async function send<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const pathAndQuery = withAccessToken(`/_matrix/client${path}`, client.accessToken);
    narrator.request(who, method, pathAndQuery, body);
    const startedAt = performance.now();
    const { status, answer } = await exchange(gatewayUrl + pathAndQuery, method, body, `${who}-of-2015/1.0`);
    narrator.answer(who, status, performance.now() - startedAt, answer);
    if (status !== 200) throw new DemoFailure(`${method} ${path} was answered with ${status}`);
    return answer as Answer;
  }

  let transactions = 0;
  const client: OldClient = {
    who,
    accessToken: undefined,
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    nextTransactionId: () => `m${(transactions += 1)}`,
  };
  return client;
}

export function withAccessToken(pathAndQuery: string, accessToken: string | undefined): string {
  if (accessToken === undefined) return pathAndQuery;
  const separator = pathAndQuery.includes('?') ? '&' : '?';
  return `${pathAndQuery}${separator}access_token=${encodeURIComponent(accessToken)}`;
}

async function exchange(
  url: string,
  method: string,
  body: object | undefined,
  userAgent: string,
): Promise<{ status: number; answer: unknown }> {
  try {
    const response = await fetch(url, {
      method,
      headers: {
        'user-agent': userAgent,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, answer: await response.json() };
  } catch (error) {
    throw new DemoFailure(`${method} ${new URL(url).pathname} got no answer that can be read`, {
      cause: error,
    });
  }
}
