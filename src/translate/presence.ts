import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';

/**
 * A `/sync` presence event → the legacy one, which names its user in the content.
 *
 * @see docs/reference/synapse-legacy.md#what-the-chunk-holds-and-in-which-order
 */
export function toLegacyPresence({ sender, content }: EphemeralEvent): LegacyEphemeralEvent {
  return { type: 'm.presence', content: { ...content, ...(sender !== undefined && { user_id: sender }) } };
}

/** Tells whether it says no more than that the user is away: native leaves those out of initial syncs. */
export function isOffline({ content }: EphemeralEvent): boolean {
  return content?.['presence'] === 'offline';
}
