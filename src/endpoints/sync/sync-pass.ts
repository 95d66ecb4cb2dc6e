import { queryOf, withQueryParameter } from '../../http/query.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { encodeRoomToken, isOwnToken } from '../../tokens/own-tokens.ts';
import { resolveForSync } from '../../tokens/resolve-token.ts';
import { SyncSections, type ToPrevBatch } from '../../translate/sync-sections.ts';
import type { Call } from '../route.ts';
import type { Services } from '../services.ts';

/** Passes a request of `/sync` on, with this raw URL, and answers it. */
export type SyncPass = (call: Call, rawUrl: string) => Promise<void>;

/** The homeserver's `/sync`, where a token of ours is understood in `since`; with every section where they are filled. */
export function createSyncPass(
  { kind, sessions, passThrough }: Services,
  { fillsSections }: { fillsSections: boolean },
): SyncPass {
  return async (call, rawUrl) => {
    const { request, reply } = call;
    const filler = fillsSections ? { filler: new SyncSections(toPrevBatch) } : {};
    const since = queryOf({ raw: { url: rawUrl } }).get('since') ?? '';
    if (!isOwnToken(since)) return passThrough(request, reply, { rawUrl, ...filler });
    const { account } = await sessions.sessionOf(request, call.signal);
    const token = await resolveForSync(since, { account, kind: await kind() });
    if (token === undefined) throw new MatrixError(400, 'M_UNKNOWN', 'Invalid stream token');
    return passThrough(request, reply, { rawUrl: withQueryParameter(rawUrl, 'since', token), ...filler });
  };
}

const toPrevBatch: ToPrevBatch = (roomId, eventId) => encodeRoomToken({ roomId, eventId, side: 'before' });
