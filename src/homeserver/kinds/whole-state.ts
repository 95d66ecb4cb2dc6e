import type { JsonObject } from '../../matrix/client-event.ts';
import { HomeserverError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { JsonReader } from '../../stream/json-reader.ts';
import type { Caller, Homeserver } from '../homeserver.ts';
import type { HomeserverKind } from './kind.ts';

/**
 * A state event's content where the homeserver refuses `/state/{type}` to who only looks, and shows him the whole state:
 * then it is found in there.
 *
 * @see docs/reference/homeservers.md#single-rooms
 */
export const readFromWholeState: NonNullable<HomeserverKind['readStateEvent']> = async (
  homeserver,
  caller,
  roomId,
  { type, stateKey },
  signal,
) => {
  try {
    return await homeserver.stateEvent(caller, roomId, type, stateKey, signal);
  } catch (error) {
    if (!(error instanceof HomeserverError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status !== 403) throw error;
    return findInState(homeserver, caller, roomId, { type, stateKey }, signal);
  }
};

/** The state is read as it comes, as far as the event, and not kept. */
async function findInState(
  homeserver: Homeserver,
  caller: Caller,
  roomId: RoomId,
  { type, stateKey }: { type: string; stateKey: string },
  signal: AbortSignal,
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
  const state = await homeserver.streamState(caller, roomId, AbortSignal.any([signal, found.signal]));
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
