import type { FastifyRequest } from 'fastify';
import type { Account } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { tokensGivenBy } from '../../homeserver/kinds/sync-token.ts';
import { queryOf } from '../../http/query.ts';
import { checkDirection, readBoolean, readLimit } from '../../matrix/query.ts';
import { checkToken } from '../../tokens/read-position.ts';
import { InitialSyncTranslation } from '../../translate/initial-sync.ts';
import { initialSyncFilter } from '../../translate/sync-filter.ts';
import type { CreateEndpoint, SessionCall } from '../route.ts';
import { readBotNow, streamBotAccount } from '../session/bot-account.ts';
import { writeAccount } from '../streamed/account-answer.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';

interface InitialSyncQuery {
  limit: number;
  archived: boolean;
  isRaw: boolean;
}

/**
 * `GET /initialSync`: everything that a client needs at start, streamed while the homeserver's answer comes in.
 *
 * An answer that has begun and cannot be finished is cut, never closed: no client takes half an account for all of it.
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/old_sync.yaml (initialSync)
 * @see docs/reference/synapse-legacy.md#initial-sync
 */
export const createInitialSync: CreateEndpoint<SessionCall> = (services) => {
  const { cursors } = services;

  async function getInitialSync(
    { session, request, reply, signal }: SessionCall,
    query: InitialSyncQuery,
  ): Promise<void> {
    const { key, account } = session;
    const visibility = services.waitForVisibilities(signal);
    // Its rooms' visibilities are asked for while the homeserver is still at work on the long answer.
    account.joinedRooms().then(visibility.askAhead, () => {});
    const filter = initialSyncFilter({ ...query, variant: cursors.initialSyncs(key) });
    const chunks = await services.bots.withSyncOr(
      session,
      () => account.streamSync({ filter, timeoutMs: 0, setPresence: 'offline' }),
      () => readBotAccount(account, query),
    );
    const kind = await services.kind();
    const { archived, isRaw, limit } = query;
    const mostEvents = kind.ignoresTimelineLimit === true ? { mostEvents: limit } : {};
    const pieces = writeAccount(
      session,
      services,
      {
        chunks,
        isSyncToken: tokensGivenBy(kind),
        visibility,
        translate: (context, out) =>
          new InitialSyncTranslation({ ...context, archived, isRaw, ...mostEvents }, out),
      },
      (spool) => reply.raw.once('close', () => void spool.close()),
    );
    // All of it was taken: the session's next initial sync asks anew.
    await replyWhileItComes(request, reply, pieces, { onSent: () => cursors.countInitialSync(key) });
  }

  async function readBotAccount(
    account: Account,
    { limit, isRaw }: InitialSyncQuery,
  ): Promise<AsyncIterable<Buffer>> {
    const rooms = await account.joinedRooms();
    const nextBatch = await readBotNow(rooms, account, await services.kind());
    return streamBotAccount({ account, rooms, nextBatch, limit, isRaw });
  }

  return async (call) => {
    const { request, reply, session, signal } = call;
    const query = readInitialSyncQuery(request, await services.kind());
    const leave = await services.initialSyncTurns.enter(session.key, signal);
    reply.raw.once('close', leave);
    try {
      await getInitialSync(call, query);
    } catch (error) {
      leave();
      throw error;
    }
  };
};

/** Reads the query. As in Synapse the values of `from`, `to` and `dir` do not matter, unless they are wrong. */
function readInitialSyncQuery(request: FastifyRequest, kind: HomeserverKind): InitialSyncQuery {
  const query = queryOf(request);
  for (const name of ['from', 'to'] as const) checkToken(name, query.get(name) ?? '', kind);
  checkDirection(query);
  return { limit: readLimit(query, 10), archived: readBoolean(query, 'archived'), isRaw: query.has('raw') };
}
