import { OBJECT_START } from '../stream/json-bytes.ts';
import { JsonMembers, skipSpace } from '../stream/json-members.ts';
import {
  checkEvent,
  checkParsedEvent,
  isAbsent,
  isObject,
  UnreadableAnswer,
} from '../translate/checked-event.ts';
import { readOrRefuse } from './unreadable-answer.ts';
import type { Homeserver } from './homeserver.ts';

/**
 * The same homeserver, whose parsed answers are what the port says: of each the members that the gateway relies on are
 * there, and of their type. What may be missing may also be null. Anything else is thrown as a 502, so that no endpoint has
 * to ask for itself whether it was told nonsense.
 *
 * What comes as bytes is checked where it is read: see `translate/sync-shape.ts`.
 */
export function checkAnswers(homeserver: Homeserver): Homeserver {
  return {
    ...homeserver,
    whoami: async (...asked) => {
      const answer = await homeserver.whoami(...asked);
      return checked(answer, ({ user_id, device_id, is_guest }) => [
        isText(user_id) && user_id !== '',
        isAbsent(device_id) || isText(device_id),
        isAbsent(is_guest) || typeof is_guest === 'boolean',
      ]);
    },
    context: async (...asked) => {
      const answer = await homeserver.context(...asked);
      return checked(answer, ({ start, end }) => [isTextIfAny(start), isTextIfAny(end)]);
    },
    roomSummary: async (...asked) => {
      const answer = await homeserver.roomSummary(...asked);
      return checked(answer, ({ world_readable, membership }) => [
        isAbsent(world_readable) || typeof world_readable === 'boolean',
        isTextIfAny(membership),
      ]);
    },
    tags: async (...asked) => {
      const answer = await homeserver.tags(...asked);
      readOrRefuse(() => checkTags(answer));
      return answer;
    },
    presence: async (...asked) => {
      const answer = await homeserver.presence(...asked);
      return checked(answer, ({ presence, status_msg, last_active_ago, currently_active }) => [
        isTextIfAny(presence),
        isTextIfAny(status_msg),
        isAbsent(last_active_ago) || typeof last_active_ago === 'number',
        isAbsent(currently_active) || typeof currently_active === 'boolean',
      ]);
    },
    event: async (...asked) => {
      const answer = await homeserver.event(...asked);
      readOrRefuse(() => checkEvent(answer, membersOf(answer)));
      return answer;
    },
    joinedRooms: async (...asked) =>
      checked(await homeserver.joinedRooms(...asked), (rooms) => [Array.isArray(rooms), rooms.every(isText)]),
    notifications: async (...asked) => {
      const answer = await homeserver.notifications(...asked);
      return checked(answer, ({ next_token, notifications }) => [
        isTextIfAny(next_token),
        isListIfAny(notifications, (one) => isObject(one) && isTextIfAny(one['room_id'])),
        isListIfAny(notifications, (one) => isAbsent(one?.event) || areEventsIfAny([one?.event])),
      ]);
    },
    versions: async (...asked) => {
      const answer = await homeserver.versions(...asked);
      return checked(answer, ({ versions, unstable_features, server }) => [
        isListIfAny(versions, isText),
        isObjectIfAny(unstable_features),
        isObjectIfAny(server),
      ]);
    },
  };
}

/** The answer, if all that is said of it is true. Each thing is asked in turn, and may rely on those before. */
function checked<Answer>(answer: Answer, isGood: (answer: Answer) => boolean[]): Answer {
  return readOrRefuse(() => {
    if (isGood(answer).every(Boolean)) return answer;
    throw new UnreadableAnswer('a member is of another type');
  });
}

function membersOf(answer: Buffer): JsonMembers {
  const members = new JsonMembers();
  if (!members.find(answer, skipSpace(answer, 0))) throw new UnreadableAnswer('the answer is no object');
  return members;
}

/** Tags are an object, if there are any. */
function checkTags(answer: Buffer): void {
  const members = membersOf(answer);
  const tags = members.named(answer, 'tags');
  const first = tags === -1 ? LETTER_N : answer[members.valueStart(tags)];
  if (first !== OBJECT_START && first !== LETTER_N) throw new UnreadableAnswer('tags are no object');
}

const LETTER_N = 0x6e;

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextIfAny = (value: unknown): boolean => isAbsent(value) || isText(value);
const isObjectIfAny = (value: unknown): boolean => isAbsent(value) || isObject(value);

function isListIfAny<Item>(list: Item[] | null | undefined, isGood: (item: Item) => boolean): boolean {
  return isAbsent(list) || (Array.isArray(list) && list.every(isGood));
}

/** Throws for a list that has something else. */
function areEventsIfAny(list: unknown): boolean {
  if (isAbsent(list)) return true;
  if (!Array.isArray(list)) return false;
  for (const event of list) checkParsedEvent(event);
  return true;
}
