import type { Dispatcher } from 'undici';
import type { JsonObject } from '../matrix/client-event.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { Caller, CallName, Nobody, PlainRequest } from './homeserver.ts';

/** A call of the port, before it is a request. */
export interface Call {
  name: CallName;
  /** The path, with its prefix. */
  path: string;
  query?: Readonly<Record<string, string | number | undefined>> | URLSearchParams;
  /** GET, or POST where there is a body. */
  method?: PlainRequest['method'];
  /** JSON, or its text. */
  body?: JsonObject | Buffer;
  caller?: Caller | Nobody;
  pool?: 'longPolls' | 'rest';
  /** An ordinary call's, where it is not given. */
  deadlineMs?: Milliseconds;
  /** For a poll: the homeserver may wait so long with all of its answer. */
  pollMs?: Milliseconds;
  signal: AbortSignal | undefined;
}

/** A call → the request for it; `host` is the `Host` that it is sent with, undefined for the homeserver's own. */
export function toRequest(call: Call, host: string | undefined): Dispatcher.DispatchOptions {
  return {
    method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
    path: pathOf(call),
    headers: headersOf(call, host),
    ...(call.body !== undefined && { body: textOf(call.body) }),
  };
}

const textOf = (body: JsonObject | Buffer): string | Buffer =>
  Buffer.isBuffer(body) ? body : JSON.stringify(body);

function pathOf({ path, query = {}, caller }: Call): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value));
  }
  const { userId, deviceId } = (caller !== undefined && 'masquerade' in caller && caller.masquerade) || {};
  if (userId !== undefined) parameters.set('user_id', userId);
  if (deviceId !== undefined) parameters.set('device_id', deviceId);
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

function headersOf({ caller, body }: Call, host: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    // An encoding that comes all the same is understood, but costs more than it saves over so short a way.
    'accept-encoding': 'identity',
    ...(host !== undefined && { host }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(caller !== undefined && 'accessToken' in caller && { authorization: `Bearer ${caller.accessToken}` }),
    ...(caller?.userAgent !== undefined && { 'user-agent': caller.userAgent }),
    ...(caller?.forwardedFor !== undefined && { 'x-forwarded-for': caller.forwardedFor }),
    ...(caller?.forwardedProto !== undefined && { 'x-forwarded-proto': caller.forwardedProto }),
  };
}
