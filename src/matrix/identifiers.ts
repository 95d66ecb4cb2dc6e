// Matrix identifiers as branded strings, so that a room id cannot stand where an event id is expected.
// They are opaque: room ids have no domain from room version 12 on, event ids may hold `/` and `+`.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type AccessToken = Branded<'AccessToken'>;
export type DeviceId = Branded<'DeviceId'>;
export type EventId = Branded<'EventId'>;
export type RoomId = Branded<'RoomId'>;
export type UserId = Branded<'UserId'>;

/** A position in a user's whole stream, as the homeserver's `/sync` gives it in `next_batch`. */
export type SyncToken = Branded<'SyncToken'>;

/** A position in one room, as the homeserver's `/messages` gives it in `start` and `end`. */
export type MessagesToken = Branded<'MessagesToken'>;

/** Milliseconds, of a duration or since 1970. */
export type Milliseconds = number;
