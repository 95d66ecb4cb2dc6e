import type { FastifyRequest } from 'fastify';
import type { Identity, SessionKey, Sessions } from '../caches/sessions.ts';
import type { Caller, Homeserver, Nobody } from '../homeserver/homeserver.ts';
import { readMasquerade, readTokenIfAny, requireAccessToken } from '../http/access-token.ts';
import { queryOf } from '../http/query.ts';
import { HomeserverError } from '../matrix/errors.ts';

/** Who asks, and whose access token it is. */
export interface Session extends Identity {
  key: SessionKey;
  caller: Caller;
}

export interface SessionReader {
  /** The request's session, by a `whoami` the first time. Throws the 401s of a missing or unknown access token. */
  sessionOf(request: FastifyRequest): Promise<Session>;
  /** As `sessionOf`, but always asks the homeserver: for answers that ask it nothing else. */
  checkedSessionOf(request: FastifyRequest): Promise<Session>;
  /** Who asks, for requests that need no access token. Throws the 401s of a token that cannot be read. */
  callerIfAny(request: FastifyRequest): Caller | Nobody;
  /** Runs what needs the session; a 401 ends what is remembered about it. */
  withSession<Result>(session: Session, work: () => Promise<Result>): Promise<Result>;
}

export function createSessionReader(options: {
  homeserver: Homeserver;
  sessions: Sessions;
  /** What to tell the homeserver of where this request came from. */
  forwardedOf: (request: FastifyRequest) => Pick<Caller, 'forwardedFor' | 'forwardedProto'>;
}): SessionReader {
  const { homeserver, sessions, forwardedOf } = options;

  function callerOf(request: FastifyRequest): Caller {
    const query = queryOf(request);
    const accessToken = requireAccessToken(request.raw.rawHeaders, query);
    const masquerade = readMasquerade(query);
    return { accessToken, ...(masquerade !== undefined && { masquerade }), ...nobodyOf(request) };
  }

  function nobodyOf(request: FastifyRequest): Nobody {
    const { 'user-agent': userAgent, host } = request.headers;
    return {
      ...(userAgent !== undefined && { userAgent }),
      ...(host !== undefined && { host }),
      ...forwardedOf(request),
    };
  }

  async function identify(request: FastifyRequest, useRemembered: boolean): Promise<Session> {
    const caller = callerOf(request);
    const key = sessions.keyOf(caller.accessToken, caller.masquerade);
    const remembered = useRemembered ? sessions.get(key) : undefined;
    if (remembered !== undefined) return { ...remembered, key, caller };
    // Of a request with a body Fastify's signal aborts as soon as that was read.
    const signal = request.body === undefined ? request.signal : undefined;
    const { user_id, device_id, is_guest } = await forgetOn401(key, () => homeserver.whoami(caller, signal));
    const identity: Identity = {
      userId: user_id,
      isGuest: is_guest === true,
      ...(typeof device_id === 'string' && { deviceId: device_id }),
    };
    sessions.set(key, identity);
    return { ...identity, key, caller };
  }

  async function forgetOn401<Result>(key: SessionKey, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 401) sessions.forget(key);
      throw error;
    }
  }

  return {
    sessionOf: (request) => identify(request, true),
    checkedSessionOf: (request) => identify(request, false),
    callerIfAny: (request) =>
      readTokenIfAny(request.raw.rawHeaders, queryOf(request)) === undefined
        ? nobodyOf(request)
        : callerOf(request),
    withSession: (session, work) => forgetOn401(session.key, work),
  };
}
