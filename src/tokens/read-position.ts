import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { MatrixError } from '../matrix/errors.ts';
import type { SyncToken } from '../matrix/identifiers.ts';
import { resolveForSync, type TokenContext } from './resolve-token.ts';
import { decodeCatchUpToken, isOwnToken, type CatchUpPosition } from './own-tokens.ts';

/** The place where a client goes on: at a sync token, or within a catch-up. */
export type StreamPosition = { syncToken: SyncToken } | { catchUp: CatchUpPosition };

/**
 * A `from` → the position it means. The homeserver's sync tokens and our catch-up tokens are positions as they are; a
 * token of one room becomes the position at which it lies in the whole stream, where it tells.
 *
 * Throws Synapse's 400 for everything else: what has not the shape of this homeserver's tokens is never sent to it,
 * as some take junk for a request to start anew.
 *
 *
 *
 * @see docs/decisions/tokens.md
 *
 *
 * @see docs/decisions/homeservers.md
 */
export async function readPosition(from: string, context: TokenContext): Promise<StreamPosition> {
  const { kind } = context;
  if (kind.isSyncToken(from)) return { syncToken: from as SyncToken };
  const catchUp = decodeCatchUpToken(from);
  if (catchUp !== undefined) {
    const isPossible = kind.isSyncToken(catchUp.from) && kind.isSyncToken(catchUp.to);
    if (isPossible && (catchUp.page === null || kind.isMessagesToken(catchUp.page))) return { catchUp };
    throw badToken('from');
  }
  const syncToken = isOwnToken(from) ? await resolveForSync(from, context) : kind.toSyncToken(from);
  if (syncToken === undefined) throw badToken('from');
  return { syncToken };
}

/** Throws Synapse's 400 for what is neither a token of this homeserver's shape, nor one of ours, nor empty. */
export function checkToken(name: 'from' | 'to', token: string, kind: HomeserverKind): void {
  const isGood = token === '' || token === 'END' || kind.isMessagesToken(token) || isOwnToken(token);
  if (!isGood) throw badToken(name);
}

const badToken = (name: string): MatrixError =>
  new MatrixError(400, 'M_UNKNOWN', `'${name}' parameter is invalid`);
