// Parsed answers are what the port says: of each the members that the gateway relies on are there, and of their type. What
// may be missing may also be null. Anything else is thrown as a 502, so that no endpoint has to ask for itself whether it was
// told nonsense. What comes as bytes is checked where it is read: see `translate/sync-shape.ts`.

import type { JsonObject } from '../matrix/client-event.ts';
import type { RoomId } from '../matrix/identifiers.ts';
import type {
  ContextResponse,
  NotificationsResponse,
  RoomSummaryResponse,
  VersionsResponse,
  WhoamiResponse,
} from '../matrix/sync.ts';
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

export const checkWhoami = (answer: WhoamiResponse): WhoamiResponse =>
  checked(answer, ({ user_id, device_id, is_guest }) => [
    isText(user_id) && user_id !== '',
    isAbsent(device_id) || isText(device_id),
    isAbsent(is_guest) || typeof is_guest === 'boolean',
  ]);

export const checkContext = (answer: ContextResponse): ContextResponse =>
  checked(answer, ({ start, end }) => [isTextIfAny(start), isTextIfAny(end)]);

export const checkSummary = (answer: RoomSummaryResponse): RoomSummaryResponse =>
  checked(answer, ({ world_readable, membership }) => [
    isAbsent(world_readable) || typeof world_readable === 'boolean',
    isTextIfAny(membership),
  ]);

export const checkPresence = (answer: JsonObject): JsonObject =>
  checked(answer, ({ presence, status_msg, last_active_ago, currently_active }) => [
    isTextIfAny(presence),
    isTextIfAny(status_msg),
    isAbsent(last_active_ago) || typeof last_active_ago === 'number',
    isAbsent(currently_active) || typeof currently_active === 'boolean',
  ]);

export const checkRooms = (answer: RoomId[]): RoomId[] =>
  checked(answer, (rooms) => [Array.isArray(rooms), rooms.every(isText)]);

export const checkNotifications = (answer: NotificationsResponse): NotificationsResponse =>
  checked(answer, ({ next_token, notifications }) => [
    isTextIfAny(next_token),
    isListIfAny(notifications, (one) => isObject(one) && isTextIfAny(one['room_id'])),
    isListIfAny(notifications, (one) => isAbsent(one?.event) || areEventsIfAny([one?.event])),
  ]);

export const checkVersions = (answer: VersionsResponse): VersionsResponse =>
  checked(answer, ({ versions, unstable_features, server }) => [
    isListIfAny(versions, isText),
    isObjectIfAny(unstable_features),
    isObjectIfAny(server),
  ]);

export const checkEventBytes = (answer: Buffer): Buffer =>
  readOrRefuse(() => {
    checkEvent(answer, membersOf(answer));
    return answer;
  });

/** Tags are an object, if there are any. */
export const checkTags = (answer: Buffer): Buffer =>
  readOrRefuse(() => {
    const members = membersOf(answer);
    const tags = members.named(answer, 'tags');
    const first = tags === -1 ? LETTER_N : answer[members.valueStart(tags)];
    if (first !== OBJECT_START && first !== LETTER_N) throw new UnreadableAnswer('tags are no object');
    return answer;
  });

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
