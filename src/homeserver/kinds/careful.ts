import type { SyncToken } from '../../matrix/identifiers.ts';
import { conduit } from './conduit.ts';
import { dendrite } from './dendrite.ts';
import type { HomeserverKind } from './kind.ts';
import { readFromWholeState } from './whole-state.ts';

/** The shape that a homeserver's token may have: it is no token of ours, and needs no escaping. */
const POSSIBLE = /^(?!hs[cr]\d)[\w.~:$-]{1,500}$/;
const DECIMAL = /^-?\d+$/;
const NUMBERS = /^[a-z]?-?\d+(?:[_.~-]\d+)*$/;

/** A homeserver's tokens have fewer shapes: they may change with its number of writers, and with its version. */
const SHAPES_REMEMBERED = 8;

/**
 * A homeserver that nobody has measured: each behaviour is the most careful one that is known, so it is asked more than
 * others, and may repeat, where others are exact.
 *
 * Decimal tokens are read as a counter, all others by markers. A token is refused that has not the shape of one of the
 * last that the homeserver made; as long as none was seen, anything that may be one is taken.
 *
 * @see docs/decisions/homeservers.md
 */
export function createCarefulKind(): HomeserverKind {
  const seen = new Set<string>();
  const isOfItsShape = (text: string): boolean =>
    POSSIBLE.test(text) && (seen.size === 0 || seen.has(shapeOf(text)));
  const note = (token: string): void => {
    if (!POSSIBLE.test(token)) return;
    seen.delete(shapeOf(token));
    seen.add(shapeOf(token));
    const [oldest] = seen;
    if (seen.size > SHAPES_REMEMBERED && oldest !== undefined) seen.delete(oldest);
  };
  return {
    name: 'careful',
    noteSyncToken: note,
    // On all that count, 0 is the beginning.
    isSyncToken: (text) => !/^s?-?0+(?:_|$)/.test(text) && isOfItsShape(text),
    isMessagesToken: (text) => POSSIBLE.test(text),
    toSyncToken: () => undefined,
    hidesRefusals: true,
    resyncsOnBadSince: true,
    repeatsTyping: true,
    repeatsCreation: true,
    remembersInitialSyncs: true,
    ignoresTimelineLimit: true,
    readStateEvent: readFromWholeState,
    toBackwardsStart: (position) => kindOf([position]).toBackwardsStart?.(position) ?? position,
    readRoomNow: async (account, roomId) => {
      const { end } = await account.messagesPage(roomId, { dir: 'b', limit: 1 });
      return typeof end === 'string' && conduit.isSyncToken(end) ? (end as string as SyncToken) : undefined;
    },
    readNewestUpTo: async (account, roomId, position) =>
      kindOf([position]).readNewestUpTo?.(account, roomId, position),
    hasNews: (account, roomId, since, memo) => kindOf([since]).hasNews(account, roomId, since, memo),
    readPage: (account, interval, page, options) =>
      kindOf([interval.from, interval.to, page ?? interval.from]).readPage(account, interval, page, options),
  };
}

/**
 * Chooses the kind whose reading goes with such tokens. A client may have invented some, so an odd one is not
 * counted.
 */
const kindOf = (tokens: readonly string[]): HomeserverKind =>
  tokens.every((token) => DECIMAL.test(token)) ? conduit : dendrite;

/** Numbers with what stands between them; of anything else, how it begins. */
function shapeOf(token: string): string {
  if (NUMBERS.test(token)) return token.replaceAll(/\d+/g, '0');
  return /^[A-Za-z]+[_.:-]/.exec(token)?.[0] ?? '';
}
