import type { HomeserverKind } from './kind.ts';

/** Whether a `next_batch` is one that the gateway would take back from a client. */
export type IsSyncToken = (text: string) => boolean;

/** Builds the question for tokens that the homeserver itself gave: its kind hears of each, where it learns their shape. */
export function tokensGivenBy(kind: HomeserverKind): IsSyncToken {
  return (text) => {
    kind.noteSyncToken?.(text);
    return kind.isSyncToken(text);
  };
}
