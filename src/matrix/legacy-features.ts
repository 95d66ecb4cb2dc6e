// What of Matrix's old API can be used, seen, and ended by itself: one list, from which the usage report, the metrics and
// the settings of the sunset take their names.

export interface Feature {
  /** Its name in metrics, settings and JSON. */
  id: string;
  /** Its name for people. */
  title: string;
  /** Previews are not deprecated (Matrix 1.14): they have a section of their own in the report, and no sunset. */
  section: 'legacy' | 'previews';
}

export const FEATURES = [
  { id: 'initial-sync', title: 'GET /initialSync', section: 'legacy' },
  { id: 'events', title: 'GET /events', section: 'legacy' },
  { id: 'event', title: 'GET /events/{eventId}', section: 'legacy' },
  { id: 'v2-alpha-sync', title: 'GET v2_alpha/sync', section: 'legacy' },
  { id: 'api-v1', title: 'the rest of api/v1', section: 'legacy' },
  { id: 'v2-alpha', title: 'the rest of v2_alpha', section: 'legacy' },
  { id: 'r0', title: 'the prefix r0', section: 'legacy' },
  { id: 'query-token', title: 'an access token in the query', section: 'legacy' },
  { id: 'old-media', title: 'old media paths, with an access token', section: 'legacy' },
  { id: 'old-media-without-token', title: 'old media paths, without one', section: 'legacy' },
  { id: 'peek-events', title: 'GET /events?room_id=', section: 'previews' },
  { id: 'room-initial-sync', title: 'GET /rooms/{roomId}/initialSync', section: 'previews' },
] as const satisfies readonly Feature[];

export type FeatureId = (typeof FEATURES)[number]['id'];

export const featureIds: readonly FeatureId[] = FEATURES.map(({ id }) => id);

/** Those that can be deprecated, and ended. */
export const endingFeatureIds: readonly FeatureId[] = FEATURES.filter(
  ({ section }) => section === 'legacy',
).map(({ id }) => id);
