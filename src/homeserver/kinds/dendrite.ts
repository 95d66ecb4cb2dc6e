import type { HomeserverKind } from './kind.ts';
import { hasMarkedNews, readMarkedPage } from './marked-interval.ts';
import { readFromWholeState } from './whole-state.ts';

const SYNC_TOKEN = /^s\d{1,18}(?:_\d{1,18}){8,15}$/;
const MESSAGES_TOKEN = /^t\d{1,19}_\d{1,19}$/;

/**
 * Dendrite: a sync token is `s` and nine numbers, the stream's first; a messages token is `t<depth>_<position>`.
 *
 * Shorter tokens are Synapse's: Dendrite takes them and gives nothing of what was missed. A whole one that begins
 * with `s0` is what a homeserver without events gives. The position in a messages token may be a thousand too high,
 * so none is told from it. `/messages` loses an interval's first event, pages repeat each other's last one, and an
 * unreadable room is empty; one state event is refused to a peeker, while the whole state is not. `m.typing` comes
 * again after each expiry.
 *
 *
 *
 * @see docs/reference/homeservers.md#sync
 *
 *
 * @see docs/reference/homeservers.md#messages
 *
 *
 * @see docs/reference/homeservers.md#single-rooms
 *
 *
 * @see docs/reference/homeservers.md#tokens
 */
export const dendrite: HomeserverKind = {
  name: 'dendrite',
  isSyncToken: (text) => SYNC_TOKEN.test(text),
  isMessagesToken: (text) => MESSAGES_TOKEN.test(text) || SYNC_TOKEN.test(text),
  toSyncToken: () => undefined,
  hidesRefusals: true,
  repeatsTyping: true,
  repeatsCreation: true,
  readStateEvent: readFromWholeState,
  hasNews: hasMarkedNews,
  readPage: readMarkedPage,
};
