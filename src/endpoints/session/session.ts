import type { FastifyRequest } from 'fastify';
import type { Identity, KnownSession, Sessions, TokenKey } from '../../caches/sessions.ts';
import type { Caller, Homeserver, Nobody } from '../../homeserver/homeserver.ts';
import { readMasquerade, readTokenIfAny, requireAccessToken } from '../../http/access-token.ts';
import { queryOf } from '../../http/query.ts';
import { HomeserverError } from '../../matrix/errors.ts';

/** Who asks, and whose access token it is. */
export interface Session extends KnownSession {
  tokenKey: TokenKey;
  deviceKey: TokenKey;
  caller: Caller;
}

export interface SessionReader {
  /** The request's session, by a `whoami` the first time. Throws the 401s of a missing or unknown access token. */
  sessionOf(request: FastifyRequest): Promise<Session>;
  /** As `sessionOf`, but always asks the homeserver: for answers that ask it nothing else. */
  checkedSessionOf(request: FastifyRequest): Promise<Session>;
  /** The session as the homeserver says now: to be asked before memory answers. */
  confirm(session: Session, signal: AbortSignal | undefined): Promise<Session>;
  /** Who asks, for requests that need no access token. Throws the 401s of a token that cannot be read. */
  callerIfAny(request: FastifyRequest): Caller | Nobody;
  /** Whose share such a request is of: its access token's, else its client's address'. */
  shareOf(caller: Caller | Nobody): string;
  /** Runs what needs the session; after a 401 the homeserver is asked before anything more is answered from memory. */
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

  async function askWhose(caller: Caller, signal: AbortSignal | undefined): Promise<Session> {
    const tokenKey = sessions.tokenKeyOf(caller.accessToken);
    const question = sessions.ask(tokenKey, caller.masquerade);
    let identity: Identity | undefined;
    try {
      const { user_id, device_id, is_guest } = await doubtOn401(tokenKey, () =>
        homeserver.whoami(caller, signal),
      );
      identity = {
        userId: user_id,
        isGuest: is_guest === true,
        ...(typeof device_id === 'string' && { deviceId: device_id }),
      };
    } finally {
      if (identity === undefined) sessions.note(question, undefined);
    }
    return toSession(caller, tokenKey, sessions.note(question, identity));
  }

  function toSession(caller: Caller, tokenKey: TokenKey, known: KnownSession): Session {
    return { ...known, tokenKey, deviceKey: sessions.deviceKeyOf(tokenKey, caller.masquerade), caller };
  }

  async function sessionOf(request: FastifyRequest): Promise<Session> {
    const caller = callerOf(request);
    const tokenKey = sessions.tokenKeyOf(caller.accessToken);
    const known = sessions.get(tokenKey, caller.masquerade);
    return known === undefined ? askWhose(caller, signalOf(request)) : toSession(caller, tokenKey, known);
  }

  async function doubtOn401<Result>(tokenKey: TokenKey, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HomeserverError && error.status === 401) sessions.doubt(tokenKey);
      throw error;
    }
  }

  return {
    sessionOf,
    checkedSessionOf: async (request) => askWhose(callerOf(request), signalOf(request)),
    confirm: ({ caller }, signal) => askWhose(caller, signal),
    callerIfAny: (request) =>
      readTokenIfAny(request.raw.rawHeaders, queryOf(request)) === undefined
        ? nobodyOf(request)
        : callerOf(request),
    shareOf: (caller) =>
      'accessToken' in caller
        ? sessions.tokenKeyOf(caller.accessToken)
        : (caller.forwardedFor?.split(',').at(-1)?.trim() ?? ''),
    withSession: ({ tokenKey }, work) => doubtOn401(tokenKey, work),
  };
}

/** Of a request with a body Fastify's signal aborts as soon as that was read. */
function signalOf(request: FastifyRequest): AbortSignal | undefined {
  return request.body === undefined ? request.signal : undefined;
}
