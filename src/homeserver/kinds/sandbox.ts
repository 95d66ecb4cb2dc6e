import { hasExactNews, readExactPage } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

/** The embedded sandbox: opaque tokens, and otherwise as exact as Synapse. */
export const sandbox: HomeserverKind = {
  name: 'sandbox',
  isSyncToken: (text) => /^sbx_[A-Za-z0-9_-]{1,200}$/.test(text),
  isMessagesToken: (text) => /^sb[xm]_[A-Za-z0-9_-]{1,200}$/.test(text),
  toSyncToken: () => undefined,
  hasNews: hasExactNews,
  readPage: readExactPage,
};
