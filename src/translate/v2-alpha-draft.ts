// The two drafts of v2_alpha's /sync that clients were written for: what stands around their events.

/**
 * All that stands behind the ids of a room's timeline: whether older ones were left out, and where to page back from.
 */
export interface TimelineEnd {
  limited: boolean;
  prevBatch: string;
}

/** The texts that one draft has before and after each list that is written an element at a time. */
export interface V2AlphaDraft {
  readonly name: 'A' | 'B';
  /** Sections in which left and invited rooms stand apart; else all rooms are one list. */
  readonly rooms: { start: string; end: string };
  /** Returns the room's text up to and with the opening bracket of `event_map`. */
  roomStart(roomIdText: string): string;
  readonly timelineStart: string;
  timelineEnd(end: TimelineEnd): string;
  readonly state: { start: string; end: string };
  readonly ephemeral: { start: string; end: string };
  readonly presence: { start: string; end: string };
}

/**
 * January to September 2015 (v0.7 to v0.10): rooms are a list, presence is `public_user_data`.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const draftA: V2AlphaDraft = {
  name: 'A',
  rooms: { start: '"rooms":[', end: ']' },
  roomStart: (roomIdText) => `{"room_id":${roomIdText},"event_map":{`,
  timelineStart: ',"events":{"batch":[',
  timelineEnd: ({ limited, prevBatch }) =>
    `],"prev_batch":${JSON.stringify(prevBatch)}},"limited":${limited}`,
  state: { start: ',"state":[', end: ']' },
  ephemeral: { start: ',"ephemeral":[', end: ']' },
  presence: { start: '"public_user_data":[', end: ']' },
};

/**
 * October and November 2015 (v0.10.1, v0.11): rooms by membership, and `{events: […]}` everywhere.
 *
 * @see docs/reference/synapse-legacy.md#the-v2_alpha-drafts
 */
export const draftB: V2AlphaDraft = {
  name: 'B',
  rooms: { start: '"rooms":{', end: '}' },
  roomStart: (roomIdText) => `${roomIdText}:{"event_map":{`,
  timelineStart: ',"timeline":{"events":[',
  timelineEnd: ({ limited, prevBatch }) =>
    `],"limited":${limited},"prev_batch":${JSON.stringify(prevBatch)}}`,
  state: { start: ',"state":{"events":[', end: ']}' },
  ephemeral: { start: ',"ephemeral":{"events":[', end: ']}' },
  presence: { start: '"presence":{"events":[', end: ']}' },
};
