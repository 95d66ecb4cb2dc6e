import type { Account, SyncQuery } from '../homeserver/homeserver.ts';
import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { HomeserverError } from '../matrix/errors.ts';
import type { RoomId, SyncToken } from '../matrix/identifiers.ts';
import { nowFilter } from '../translate/sync-filter.ts';
import { readNextBatch } from './read-update.ts';

/** Reads the newest position in a caller's stream. */
export type ReadNow = (
  account: Account,
  options: {
    /** Whether the call marks the user online, as Synapse's own endpoint does. */
    setPresence: 'online' | 'offline';
    /** The room that it is for, where it is for one alone: some homeservers have a gentler way then. */
    roomId?: RoomId;
  },
) => Promise<SyncToken>;

/** There are so many that Synapse has forgotten the first one's answer when the last one is used. */
const VARIANTS = 4096;

/**
 * The newest position: `next_batch` of a `/sync` without `since` that asks for no room. Where rooms are filtered it costs
 * the homeserver next to nothing, and as nothing is read from it, nothing is acknowledged.
 *
 * @see docs/reference/performance.md#what-synapses-endpoints-cost
 */
export function createNowReader(kind: () => Promise<HomeserverKind>): ReadNow {
  // Two that ask for *now* must not get one cached answer.
  let variant = 0;
  return async (account, { setPresence, roomId }) => {
    const homeserverKind = await kind();
    if (roomId !== undefined) {
      const position = await homeserverKind.readRoomNow?.(account, roomId);
      if (position !== undefined) return position;
    }
    variant = (variant + 1) % VARIANTS;
    const query: SyncQuery = { filter: nowFilter(variant), timeoutMs: 0, setPresence };
    const read = async (given: SyncQuery) => readNextBatch(await account.streamSync(given), homeserverKind);
    let position = await read(query).catch((error: unknown) => readByMessages(error, account, roomId));
    // Only for the whole stream: a `since` acknowledges to-device messages, which a peeker must not do.
    if (homeserverKind.remembersInitialSyncs === true && roomId === undefined)
      position = await read({ ...query, since: position });
    return position;
  };

  /**
   * Reads *now* from `/messages` where `/sync` fails, as Synapse's does for an application service's own bot. Throws
   * the error of `/sync` where nothing tells.
   */
  async function readByMessages(
    error: unknown,
    account: Account,
    roomId: RoomId | undefined,
  ): Promise<SyncToken> {
    if (roomId === undefined || !(error instanceof HomeserverError && error.status === 500)) throw error;
    const place = await readNewestPlace(account, roomId, await kind());
    if (place === undefined) throw error;
    return place;
  }
}

/**
 * A room's newest place, without `/sync`, where it tells a position in the stream. It is good for what is read of this room,
 * not for the whole stream: nothing but its events lies at a place in it.
 */
export async function readNewestPlace(
  account: Account,
  roomId: RoomId,
  kind: HomeserverKind,
): Promise<SyncToken | undefined> {
  const { start } = await account.messagesPage(roomId, { dir: 'b', limit: 1 });
  return start === undefined ? undefined : kind.toSyncToken(start);
}
