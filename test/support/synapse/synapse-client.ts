// A client as small as the tests need it: one request, one answer, nothing understood.

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { noteAccessToken } from './access-tokens.ts';

/** Somebody who is logged in. */
export interface User {
  userId: string;
  accessToken: string;
  deviceId: string;
}

// oxlint-disable-next-line typescript/no-explicit-any -- answers of a homeserver, which the tests exist to examine
export type Json = any;

export interface Answer {
  status: number;
  headers: Headers;
  /** Undefined where the body is empty. */
  json: Json;
}

export type Query = Record<string, string | number | boolean | undefined>;

export interface RequestOptions {
  query?: Query;
  body?: Json;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** One user at one address. Paths begin below `/_matrix/client/`: `v3/sync`. */
export interface Client {
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  get(path: string, query?: Query): Promise<Answer>;
  /** As `get`, but the answer's JSON, and an error where it is not 200. */
  read(path: string, query?: Query): Promise<Json>;
  post(path: string, body?: Json, query?: Query): Promise<Json>;
  put(path: string, body?: Json, query?: Query): Promise<Json>;
}

/** The homeserver itself or a gateway, at `url`; `undefined` is nobody, for requests without access token. */
export function clientAt(url: string, user: Pick<User, 'accessToken'> | undefined): Client {
  async function request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const headers = {
      ...(user !== undefined && { authorization: `Bearer ${user.accessToken}` }),
      ...(options.body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    };
    const response = await fetch(`${url}/_matrix/client/${path}${toSearch(options.query)}`, {
      method,
      headers,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    const text = await response.text();
    // For the search at the end of the run: errors tell nobody's access token either.
    if (response.status >= 400) await appendFile(join(inject('logs'), 'error-answers.log'), `${text}\n`);
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? undefined : JSON.parse(text),
    };
  }

  async function mustSucceed(method: string, path: string, options: RequestOptions): Promise<Json> {
    const { status, json } = await request(method, path, options);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  return {
    request,
    get: (path, query = {}) => request('GET', path, { query }),
    read: (path, query = {}) => mustSucceed('GET', path, { query }),
    post: (path, body = {}, query = {}) => mustSucceed('POST', path, { body, query }),
    put: (path, body = {}, query = {}) => mustSucceed('PUT', path, { body, query }),
  };
}

/** Makes an account, or a guest where no name is given, and notes its access token for the canary. */
export async function register(url: string, name?: string): Promise<User> {
  const body = { username: name, password: 'secret', auth: { type: 'm.login.dummy' } };
  const nobody = clientAt(url, undefined);
  const kind = name === undefined ? { kind: 'guest' } : {};
  return noted(await nobody.post('v3/register', name === undefined ? {} : body, kind));
}

/** Another device of an account made by `register`. */
export async function logIn(url: string, userId: string): Promise<User> {
  const identifier = { type: 'm.id.user', user: userId };
  const body = { type: 'm.login.password', identifier, password: 'secret' };
  return noted(await clientAt(url, undefined).post('v3/login', body));
}

async function noted(answer: Json): Promise<User> {
  await noteAccessToken(inject('run'), answer.access_token);
  return { userId: answer.user_id, accessToken: answer.access_token, deviceId: answer.device_id };
}

function toSearch(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
