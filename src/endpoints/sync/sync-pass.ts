import type { FastifyReply, FastifyRequest } from 'fastify';
import { resolveForSync } from '../../tokens/resolve-token.ts';
import { encodeRoomToken, isOwnToken } from '../../tokens/own-tokens.ts';
import type { Homeserver } from '../../homeserver/homeserver.ts';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import { queryOf, withQueryParameter } from '../../http/query.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { SyncSections, type ToPrevBatch } from '../../translate/sync-sections.ts';
import type { PassThrough } from '../../passthrough/passthrough.ts';
import type { SessionReader } from '../session/session.ts';

export interface SyncPassOptions {
  homeserver: Homeserver;
  kind: () => Promise<HomeserverKind>;
  sessions: SessionReader;
  passThrough: PassThrough;
}

/** Passes a request of `/sync` on, with this raw URL, and answers it. */
export type SyncPass = (request: FastifyRequest, reply: FastifyReply, rawUrl: string) => Promise<void>;

/** The homeserver's `/sync`, where a token of ours is understood in `since`; with every section where they are filled. */
export function createSyncPass(
  { homeserver, kind, sessions, passThrough }: SyncPassOptions,
  { fillsSections }: { fillsSections: boolean },
): SyncPass {
  return async (request, reply, rawUrl) => {
    const filler = fillsSections ? { filler: new SyncSections(toPrevBatch) } : {};
    const since = queryOf({ raw: { url: rawUrl } }).get('since') ?? '';
    if (!isOwnToken(since)) return passThrough(request, reply, { rawUrl, ...filler });
    const { caller } = await sessions.sessionOf(request);
    const context = { homeserver, kind: await kind(), caller, signal: request.signal };
    const token = await resolveForSync(since, context);
    if (token === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return passThrough(request, reply, { rawUrl: withQueryParameter(rawUrl, 'since', token), ...filler });
  };
}

const toPrevBatch: ToPrevBatch = (roomId, eventId) => encodeRoomToken({ roomId, eventId, side: 'before' });
