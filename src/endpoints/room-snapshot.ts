import PQueue from 'p-queue';
import type { Caller, Homeserver } from '../homeserver/homeserver.ts';
import { membershipOf, type ClientEvent } from '../matrix/client-event.ts';
import { HomeserverUnavailable, MatrixError } from '../matrix/errors.ts';
import type { UserId } from '../matrix/identifiers.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';
import { JsonReader, type JsonPath } from '../stream/json-reader.ts';
import {
  toPresenceEvent,
  writeRoomHead,
  writeRoomTail,
  writeStateEvent,
  type RoomSnapshot,
} from '../translate/room-initial-sync.ts';
import type { OwnView } from './room-surroundings.ts';

export interface RoomSnapshotOptions {
  snapshot: RoomSnapshot;
  /** The room's state, as it comes. */
  state: AsyncIterable<Buffer>;
  own: OwnView | Promise<OwnView>;
  homeserver: Homeserver;
  caller: Caller;
  showsPresence: boolean;
  signal: AbortSignal;
}

/** In larger rooms nobody's presence is asked for. */
const MOST_MEMBERS = 50;
const MEMBERS_AT_A_TIME = 10;

/** The answer as JSON text, a piece for each of the homeserver's: its state is never held at once. */
export async function* writeRoomSnapshot(options: RoomSnapshotOptions): AsyncGenerator<string> {
  const { snapshot } = options;
  const joined: UserId[] = [];
  let text = writeRoomHead(snapshot);
  let separator = '';
  const reader = new JsonReader({
    visit: (path: JsonPath) => (path.length === 0 ? 'enter' : 'take'),
    take: (_path, bytes) => {
      const event = JSON.parse(bytes.toString()) as ClientEvent;
      const isJoined = event.type === 'm.room.member' && membershipOf(event) === 'join';
      if (isJoined && joined.length <= MOST_MEMBERS) joined.push(event.state_key as UserId);
      text += separator + writeStateEvent(event, snapshot);
      separator = ',';
    },
    leave: () => {},
  });
  try {
    for await (const chunk of options.state) {
      reader.push(chunk);
      yield text;
      text = '';
    }
    reader.end();
  } catch (cause) {
    if (cause instanceof MatrixError || options.signal.aborted) throw cause;
    throw new HomeserverUnavailable(502, "The homeserver's answer cannot be read", { cause });
  }
  const isSmall = joined.length <= MOST_MEMBERS;
  const presence = options.showsPresence && isSmall ? await readPresence(joined, options) : [];
  yield text + writeRoomTail({ presence, ...(await options.own) });
}

/** Each one's presence as the homeserver tells it; who cannot be asked about is left out. */
async function readPresence(
  members: readonly UserId[],
  { homeserver, caller, signal }: RoomSnapshotOptions,
): Promise<LegacyEphemeralEvent[]> {
  const queue = new PQueue({ concurrency: MEMBERS_AT_A_TIME });
  const asked = members.map((userId) =>
    queue.add(async () => toPresenceEvent(userId, await homeserver.presence(caller, userId, signal))),
  );
  const answers = await Promise.allSettled(asked);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
}
