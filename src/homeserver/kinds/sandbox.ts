import type { SyncToken } from '../../matrix/identifiers.ts';
import { hasExactNews, readExactPage } from './exact-interval.ts';
import type { HomeserverKind } from './kind.ts';

/** The embedded sandbox, as exact as Synapse: a messages token says its depth and its place in the stream. */
export const sandbox: HomeserverKind = {
  name: 'sandbox',
  isSyncToken: (text) => /^sbx_[A-Za-z0-9_-]{1,200}$/.test(text),
  isMessagesToken: (text) => /^sb[xm]_[A-Za-z0-9_-]{1,200}$/.test(text),
  toSyncToken: (token) => {
    const text = Buffer.from(token.slice('sbm_'.length), 'base64url').toString('latin1');
    const [, stream] = /^\d{1,15}\.(\d{1,15})(?:\.|$)/.exec(text) ?? [];
    if (!token.startsWith('sbm_') || stream === undefined) return undefined;
    return `sbx_${Buffer.from(stream).toString('base64url')}` as SyncToken;
  },
  hasNews: hasExactNews,
  readPage: readExactPage,
};
