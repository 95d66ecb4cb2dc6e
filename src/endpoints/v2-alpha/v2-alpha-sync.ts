import type { Account, SyncQuery } from '../../homeserver/homeserver.ts';
import { tokensGivenBy } from '../../homeserver/kinds/sync-token.ts';
import { queryOf } from '../../http/query.ts';
import { toRawPath } from '../../http/raw-url.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { HomeserverError, MatrixError } from '../../matrix/errors.ts';
import type { SyncToken } from '../../matrix/identifiers.ts';
import { isOwnToken } from '../../tokens/own-tokens.ts';
import { resolveForSync } from '../../tokens/resolve-token.ts';
import { v2AlphaFilterText } from '../../translate/sync-filter.ts';
import { V2AlphaSyncTranslation } from '../../translate/v2-alpha-sync.ts';
import { withTimelineLimit } from '../../translate/v2-alpha-filter.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { Released } from '../session/parked-polls.ts';
import { waitForPlace } from '../session/wait-for-place.ts';
import type { Session } from '../session/session.ts';
import { writeAccount, type AccountAnswer } from '../streamed/account-answer.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { readV2AlphaSyncQuery, type V2AlphaSyncQuery } from './v2-alpha-sync-query.ts';

/**
 * `GET /sync` of v2_alpha: the modern `/sync` as the drafts of 2015 had it, streamed while the homeserver's comes in; for
 * who means the shape of the years after them, r0's.
 *
 * `next_batch` is the homeserver's own, so a client may go on from it in either draft, in the modern `/sync`, and in
 * `/events`. A poll that is released (a later one took its place, or the gateway drains) is answered with nothing new and
 * its own token.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const createV2AlphaSync: CreateEndpoint<SessionCall> = (services) => {
  const { cursors, parkedPolls } = services;

  async function getWholeAccount(call: SessionCall, query: V2AlphaSyncQuery): Promise<void> {
    const { session, request, reply, signal } = call;
    const leave = await services.initialSyncTurns.enter(session.key, signal);
    reply.raw.once('close', leave);
    const { setPresence } = query;
    // An answer that was given whole is not given again: the timeout means nothing here, and tells them apart.
    const timeoutMs = cursors.initialSyncs(session.key);
    const pieces = await ask(call, session, query, { timeoutMs, setPresence });
    await replyWhileItComes(request, reply, pieces, { onSent: () => cursors.countInitialSync(session.key) });
  }

  async function poll(call: SessionCall, query: V2AlphaSyncQuery & { since: string }): Promise<void> {
    const { session, request, reply } = call;
    services.checkSharedDevice(session, request);
    const place = parkedPolls.park(session.key);
    reply.raw.once('close', place.leave);
    const signal = AbortSignal.any([call.signal, place.signal]);
    const placed = { ...session, account: session.account.until(signal) };
    const { setPresence, fullState } = query;
    const onFirst = place.leave;
    try {
      const since = await readSince(query.since, placed.account);
      const timeoutMs = await waitForPlace(place, query.timeoutMs, services.clock, signal);
      const pieces = await ask(call, placed, query, { since, timeoutMs, setPresence, fullState });
      await replyWhileItComes(request, reply, pieces, { onFirst });
    } catch (error) {
      if (!(error instanceof Released)) throw error;
      // The client's own token, which may be one of ours.
      const nothing = { chunks: nothingSince(query.since), isSyncToken: () => true };
      await replyWhileItComes(request, reply, write(call, placed, query, nothing));
    }
  }

  /** Asks the homeserver, and translates while it answers. */
  async function ask(
    call: SessionCall,
    session: Session,
    query: V2AlphaSyncQuery,
    modern: Omit<SyncQuery, 'filter'>,
  ): Promise<AsyncGenerator<Buffer, void>> {
    const { account } = session;
    const filter = await toFilterText(query, session);
    const chunks = await account.streamSync({ ...modern, filter }).catch((error: unknown) => {
      if (query.filter === undefined || !isUnknownFilter(error)) throw error;
      return account.streamSync({ ...modern, filter: toOwnFilter(query, {}) });
    });
    return write(call, session, query, { chunks, isSyncToken: tokensGivenBy(await services.kind()) });
  }

  function write(
    { reply }: SessionCall,
    session: Session,
    { draft }: V2AlphaSyncQuery,
    answer: Pick<AccountAnswer, 'chunks' | 'isSyncToken'>,
  ): AsyncGenerator<Buffer, void> {
    const visibility = services.waitForVisibilities(session.account.signal);
    const translate: AccountAnswer['translate'] = (context, out) =>
      new V2AlphaSyncTranslation({ ...context, draft }, out);
    return writeAccount(session, services, { ...answer, visibility, translate }, (spool) =>
      reply.raw.once('close', () => void spool.close()),
    );
  }

  async function readSince(text: string, account: Account): Promise<SyncToken> {
    const kind = await services.kind();
    if (kind.isSyncToken(text)) return text as SyncToken;
    const since = isOwnToken(text) ? await resolveForSync(text, { account, kind }) : kind.toSyncToken(text);
    if (since === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return since;
  }

  /** A client's filter is sent as it is, unless draft A's limit must be put into it. */
  async function toFilterText(query: V2AlphaSyncQuery, { account, userId }: Session): Promise<string> {
    const { filter } = query;
    if (filter === undefined) return toOwnFilter(query, {});
    if (query.limit === undefined) return filter;
    if (filter.startsWith('{')) return toOwnFilter(query, parseFilter(filter));
    const path = toRawPath('user', userId, 'filter', filter);
    const known = await account.request({ method: 'GET', path }).catch((error: unknown) => {
      if (isUnknownFilter(error)) return {};
      throw error;
    });
    return toOwnFilter(query, known);
  }

  return async (call) => {
    const query = readV2AlphaSyncQuery(queryOf(call.request), services.maxPollTimeoutMs);
    const { since } = query;
    return since === undefined ? getWholeAccount(call, query) : poll(call, { ...query, since });
  };
};

function toOwnFilter({ limit }: V2AlphaSyncQuery, filter: JsonObject): string {
  return v2AlphaFilterText(limit === undefined ? filter : withTimelineLimit(filter, limit));
}

function parseFilter(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    throw new MatrixError(400, 'M_NOT_JSON', 'Invalid filter JSON');
  }
}

/** Tells whether the homeserver does not know the filter: in the drafts an unknown filter was silently none. */
function isUnknownFilter(error: unknown): boolean {
  if (!(error instanceof HomeserverError)) return false;
  return error.status === 404 || (error.status === 400 && error.errcode === 'M_INVALID_PARAM');
}

async function* nothingSince(token: string): AsyncGenerator<Buffer> {
  yield Buffer.from(JSON.stringify({ next_batch: token }));
}
