import type { SyncToken } from '../../matrix/identifiers.ts';
import { hasExactNews, readExactPage } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

// A position is a number below 2^63, or with several writers `m<least>~<writer>.<position>~…`. Longer numbers are
// refused here because Synapse answers them with a 500; how many fields there are grows with its versions.
const NUMBER = String.raw`\d{1,18}`;
const POSITION = String.raw`(?:${NUMBER}|m${NUMBER}(?:~${NUMBER}\.${NUMBER}){0,64})`;
const SYNC_TOKEN = new RegExp(
  String.raw`^(?:s${NUMBER}|m${NUMBER}(?:~${NUMBER}\.${NUMBER}){0,64})(?:_${POSITION}){0,31}$`,
);
const TOPOLOGICAL_TOKEN = new RegExp(String.raw`^t${NUMBER}-(${NUMBER}(?:_${POSITION}){0,31})$`);

/**
 * Synapse, whose tokens say where they lie: `s<stream>_…` in the whole stream, `t<depth>-<stream>_…` in a room.
 *
 * @see docs/reference/homeservers.md#tokens
 */
export const synapse: HomeserverKind = {
  name: 'synapse',
  isSyncToken: (text) => SYNC_TOKEN.test(text),
  isMessagesToken: (text) => TOPOLOGICAL_TOKEN.test(text) || SYNC_TOKEN.test(text),
  toSyncToken: (token) => {
    const topological = TOPOLOGICAL_TOKEN.exec(token);
    return topological === null ? undefined : (`s${topological[1]}` as SyncToken);
  },
  hasNews: hasExactNews,
  readPage: readExactPage,
};
