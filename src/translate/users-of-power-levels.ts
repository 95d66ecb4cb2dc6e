import { OBJECT_START } from '../stream/json-bytes.ts';
import { JsonMembers } from '../stream/json-members.ts';

/** An insertion is a text and the place in some bytes before which it belongs. */
export interface Insertion {
  at: number;
  text: string;
}

/** Every event that is to be looked at has this somewhere in its bytes. */
export const POWER_LEVELS_TYPE = 'm.room.power_levels';

/**
 * Finds where power levels that name no users lack the `users` that old clients read without asking; undefined for any other
 * event, as it is right already.
 *
 * Rooms of version 12 leave `users` out where nobody but the creators has a level of his own, and matrix-js-sdk up to 0.4.2 stops
 * there.
 */
export function missingUsers(bytes: Buffer, event: JsonMembers): Insertion | undefined {
  const type = event.named(bytes, 'type');
  if (bytes.toString('utf8', event.valueStart(type), event.valueEnd(type)) !== `"${POWER_LEVELS_TYPE}"`)
    return undefined;
  const content = new JsonMembers();
  const start = event.valueStart(event.named(bytes, 'content'));
  if (bytes[start] !== OBJECT_START || !content.find(bytes, start)) return undefined;
  const users = content.named(bytes, 'users');
  if (users !== -1 && bytes[content.valueStart(users)] !== NULL_START) return undefined;
  // Last of all: of a key that is repeated, as where there is a null, the last one counts.
  return { at: content.end - 1, text: `${content.count === 0 ? '' : ','}"users":{}` };
}

const NULL_START = 'n'.charCodeAt(0);
