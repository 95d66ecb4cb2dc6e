import type { FastifyRequest } from 'fastify';
import type { Identity, KnownSession, Sessions, TokenKey } from '../../caches/sessions.ts';
import type { Account, Caller, Homeserver, Nobody } from '../../homeserver/homeserver.ts';
import { readMasquerade, readTokenIfAny, requireAccessToken } from '../../http/access-token.ts';
import { queryOf } from '../../http/query.ts';
import { HomeserverError, MatrixError } from '../../matrix/errors.ts';

/** Who asks, and whose access token it is. */
export interface Session extends KnownSession {
  tokenKey: TokenKey;
  deviceKey: TokenKey;
  /** The account by which the session asks the homeserver, until its request is over. */
  account: Account;
}

export interface SessionReader {
  /** The request's session, by a `whoami` the first time. Throws the 401s of a missing or unknown access token. */
  sessionOf(request: FastifyRequest, signal: AbortSignal): Promise<Session>;
  /** Finds the session as `sessionOf` does, but always asks the homeserver: for answers that ask it nothing else. */
  checkedSessionOf(request: FastifyRequest, signal: AbortSignal): Promise<Session>;
  /** The session as the homeserver says now: to be asked before memory answers. */
  confirm(session: Session): Promise<Session>;
  /** Whoever asks, for requests that need no access token. Throws the 401s of a token that cannot be read. */
  accountOf(request: FastifyRequest, signal: AbortSignal): Account;
  /** Returns the owner of the share that such a request takes: its access token, else its client's address. */
  shareOf(account: Account): string;
  /** Runs what needs the session; after a 401 the homeserver is asked before anything more is answered from memory. */
  withSession<Result>(session: Session, work: () => Promise<Result>): Promise<Result>;
}

export function createSessionReader(options: {
  homeserver: Homeserver;
  sessions: Sessions;
  /** Returns what the homeserver is told about where this request came from. */
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

  async function askWhose(caller: Caller, account: Account): Promise<Session> {
    const tokenKey = sessions.tokenKeyOf(caller.accessToken);
    const question = sessions.ask(tokenKey, caller.masquerade);
    let identity: Identity | undefined;
    try {
      const { user_id, device_id, is_guest } = await doubtOn401(tokenKey, () => account.whoami());
      identity = {
        userId: user_id,
        isGuest: is_guest === true,
        ...(typeof device_id === 'string' && { deviceId: device_id }),
      };
    } finally {
      if (identity === undefined) sessions.note(question, undefined);
    }
    return toSession(caller, account, sessions.note(question, identity));
  }

  function toSession({ accessToken, masquerade }: Caller, account: Account, known: KnownSession): Session {
    const tokenKey = sessions.tokenKeyOf(accessToken);
    return { ...known, tokenKey, deviceKey: sessions.deviceKeyOf(tokenKey, masquerade), account };
  }

  async function sessionOf(request: FastifyRequest, signal: AbortSignal): Promise<Session> {
    const caller = callerOf(request);
    const account = homeserver.as(caller, signal);
    const known = sessions.get(sessions.tokenKeyOf(caller.accessToken), caller.masquerade);
    return known === undefined ? askWhose(caller, account) : toSession(caller, account, known);
  }

  async function checkedSessionOf(request: FastifyRequest, signal: AbortSignal): Promise<Session> {
    const caller = callerOf(request);
    return askWhose(caller, homeserver.as(caller, signal));
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
    checkedSessionOf,
    // A session's account is a caller's, who has shown an access token.
    confirm: ({ account }) => askWhose(account.caller as Caller, account),
    accountOf: (request, signal) => {
      const hasToken = readTokenIfAny(request.raw.rawHeaders, queryOf(request)) !== undefined;
      return homeserver.as(hasToken ? callerOf(request) : nobodyOf(request), signal);
    },
    shareOf: ({ caller }) =>
      'accessToken' in caller
        ? sessions.tokenKeyOf(caller.accessToken)
        : (caller.forwardedFor?.split(',').at(-1)?.trim() ?? ''),
    withSession: ({ tokenKey }, work) => doubtOn401(tokenKey, work),
  };
}

/** Makes the error for guests who may not ask this. */
export const guestsForbidden = (): MatrixError =>
  new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guest access not allowed');
