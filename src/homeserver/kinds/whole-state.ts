import type { JsonObject } from '../../matrix/client-event.ts';
import { HomeserverError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { JsonReader } from '../../stream/json-reader.ts';
import type { Account } from '../homeserver.ts';
import type { HomeserverKind } from './kind.ts';

/**
 * Reads a state event's content where the homeserver refuses `/state/{type}` to a peeker, and shows him the whole
 * state: then it is found in there.
 *
 *
 *
 * @see docs/reference/homeservers.md#single-rooms
 */
export const readFromWholeState: NonNullable<HomeserverKind['readStateEvent']> = async (
  account,
  roomId,
  { type, stateKey },
) => {
  try {
    return await account.stateEvent(roomId, type, stateKey);
  } catch (error) {
    if (!(error instanceof HomeserverError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status !== 403) throw error;
    return findInState(account, roomId, { type, stateKey });
  }
};

/** The state is read as it comes, as far as the event, and not kept. */
async function findInState(
  account: Account,
  roomId: RoomId,
  { type, stateKey }: { type: string; stateKey: string },
): Promise<JsonObject | undefined> {
  const found = new AbortController();
  let content: JsonObject | undefined;
  const reader = new JsonReader({
    visit: (path) => (path.length === 0 ? 'enter' : 'take'),
    take: (_path, bytes) => {
      // Most of a large state are members: they are not parsed when something else is looked for.
      if (!bytes.includes(`"${type}"`)) return;
      const event = JSON.parse(bytes.toString()) as {
        type?: string;
        state_key?: string;
        content?: JsonObject;
      };
      if (event.type === type && event.state_key === stateKey) content = event.content ?? {};
    },
    leave: () => undefined,
  });
  const either = AbortSignal.any([account.signal, found.signal]);
  const state = await account.until(either).streamState(roomId);
  try {
    for await (const chunk of state) {
      reader.push(chunk);
      if (content !== undefined) break;
    }
  } finally {
    found.abort();
  }
  return content;
}
