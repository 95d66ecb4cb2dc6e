import type { NotificationsResponse } from '../matrix/sync.ts';
import { parseExactly } from '../stream/exact-json.ts';
import { JsonReader } from '../stream/json-reader.ts';
import { readOrRefuse } from './unreadable-answer.ts';

type Notification = NonNullable<NotificationsResponse['notifications']>[number];

/**
 * An answer of `/notifications` → its next token, and of its notifications those that may be of an invite: a hundred of
 * messages may have megabytes, and nobody asks for them.
 */
export function readInvitesAmong(answer: Buffer): NotificationsResponse {
  const notifications: Notification[] = [];
  let nextToken: string | undefined;
  const reader = new JsonReader({
    visit: (path) => {
      const [key] = path;
      if (path.length === 0 || (path.length === 1 && key === 'notifications')) return 'enter';
      return key === 'notifications' || key === 'next_token' ? 'take' : 'skip';
    },
    take: ([key], bytes) => {
      const isWanted = key === 'next_token' || bytes.includes(INVITE);
      const value = isWanted ? parseExactly(bytes.toString()) : undefined;
      if (key === 'next_token') nextToken = typeof value === 'string' ? value : undefined;
      else if (typeof value === 'object' && value !== null) notifications.push(value);
    },
    leave: () => {},
  });
  readOrRefuse(() => {
    reader.push(answer);
    reader.end();
  });
  return { notifications, ...(nextToken !== undefined && { next_token: nextToken }) };
}

const INVITE = Buffer.from('"invite"');
