import { HomeserverError, HomeserverUnavailable } from '../matrix/errors.ts';
import type { CallName } from './homeserver.ts';

/** Calls that many homeservers do not have, or that ask what a homeserver is: a 404 to them says nothing. */
const ASKED_IN_VAIN: ReadonlySet<CallName> = new Set(['roomSummary', 'serverName', 'versions']);

/** Whether what a call was refused with does not go with what is known: it has not what it was asked for, or is away. */
export function contradicts(name: CallName, error: unknown): boolean {
  if (ASKED_IN_VAIN.has(name)) return false;
  return (
    error instanceof HomeserverUnavailable ||
    (error instanceof HomeserverError && (error.errcode === 'M_UNRECOGNIZED' || error.status >= 502))
  );
}
