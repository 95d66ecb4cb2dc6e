import type { EphemeralEvent } from '../matrix/client-event.ts';
import type { LegacyEphemeralEvent } from '../matrix/legacy.ts';

/**
 * A `/sync` presence event → the legacy one, which names its user in the content.
 *
 * @see reference/native.md §2.3
 */
export function toLegacyPresence({ sender, content }: EphemeralEvent): LegacyEphemeralEvent {
  return { type: 'm.presence', content: { ...content, ...(sender !== undefined && { user_id: sender }) } };
}
