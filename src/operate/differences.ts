// Every way in which our answers differ on purpose from what Synapse answers itself. The code names a row as
// `Differs: <id>`; docs/endpoints.md is made from this table; a comparison of two answers takes its recognisers from it.

import type { ExpectedDifference, Recogniser } from './compare.ts';
import * as isDueTo from './recognisers.ts';

/** One way in which our answers differ. */
export interface KnownDifference {
  id: string;
  /** The heading of docs/endpoints.md under which it stands. */
  endpoint: string;
  /** Says what a client sees, as a sentence without its full stop. */
  what: string;
  /** Why it is so, and what Synapse does. */
  why: string;
  /** Whether one place in two answers differs for this reason alone; absent where an answer does not show it by itself. */
  recognises?: Recogniser;
  /** It shows or not by chance: a comparison does not miss it where it does not. */
  dependsOnTiming?: true;
}

const table = [
  {
    id: 'order-across-rooms',
    endpoint: 'events',
    what: 'events of several rooms are in the order of their timestamps',
    why: "Synapse gives them in the order of arrival, which `/sync` does not tell across rooms. Within a room the order is the homeserver's; in a catch-up each room is read by itself.",
    recognises: isDueTo.orderAcrossRooms,
    dependsOnTiming: true,
  },
  {
    id: 'more-events-in-an-answer',
    endpoint: 'events',
    what: 'without a `limit`, or with 0, an answer holds up to 500 room events',
    why: "Synapse's default is 10, and its 0 skips events for ever.",
  },
  {
    id: 'invites-carry-state',
    endpoint: 'events',
    what: "invites carry the room's stripped state",
    why: "It stands in `invite_room_state`, in `unsigned` and on top, as old clients take the room's name from it. Synapse has left it out since about 2019.",
    recognises: isDueTo.strippedState,
  },
  {
    id: 'synthetic-invite-id',
    endpoint: 'events',
    what: 'an invite without a notification has a synthetic event id',
    why: "`/sync` shows an invite or a knock without id and time. The synthetic id is the same every time; where the user's notifications have the invite, its own id is given.",
    recognises: isDueTo.syntheticEvent,
  },
  {
    id: 'invites-may-lack-an-inviter',
    endpoint: 'events',
    what: 'an invite whose sender the homeserver does not tell has no `inviter`',
    why: "Stripped state may lack the user's own member event, and the sender of another event need not be the one who invited. It is the same in `/initialSync`.",
  },
  {
    id: 'power-levels-have-users',
    endpoint: 'events',
    what: 'power levels have `users`, also where it is empty',
    why: 'Rooms of version 12 leave it out, and matrix-js-sdk up to 0.4.2 stops at them. It is so in every answer with legacy events, and under `r0`, which that client speaks, in `/sync` and `/messages`.',
  },
  {
    id: 'presence-once',
    endpoint: 'events',
    what: 'presence stands once for each user',
    why: 'Synapse repeats it for every join, also of users who were there.',
    recognises: isDueTo.repeatedPresence,
  },
  {
    id: 'own-membership-once',
    endpoint: 'events',
    what: 'own membership events stand once',
    why: 'Synapse reads them from two sources while the room is joined, and gives both.',
    recognises: isDueTo.repeatedOwnMembership,
  },
  {
    id: 'no-own-presence-on-join',
    endpoint: 'events',
    what: 'own presence does not come with an own join',
    why: "Synapse gives the presence of everybody in the room then, the user's own among it; `/sync` gives that of those who were not seen before.",
    recognises: isDueTo.ownPresenceOnJoin,
  },
  {
    id: 'events-before-a-leave',
    endpoint: 'events',
    what: 'what happened before a leave, kick or ban is delivered',
    why: 'Synapse no longer looks at the room when the poll starts afterwards.',
    recognises: isDueTo.eventsBeforeTheLeave,
  },
  {
    id: 'events-before-a-join',
    endpoint: 'events',
    what: 'what happened in a room between `from` and an own join is delivered',
    why: 'A poll of Synapse that waits meanwhile looks at the rooms of its beginning only, and ends behind the join.',
    recognises: isDueTo.eventsBeforeTheJoin,
  },
  {
    id: 'no-invites-of-ignored-users',
    endpoint: 'events',
    what: 'invites of ignored users do not come',
    why: '`/sync` leaves them out.',
    recognises: isDueTo.invitesOfTheIgnored,
  },
  {
    id: 'bots-have-no-stream',
    endpoint: 'events',
    what: 'to the own bot of an application service nothing comes',
    why: 'In Synapse its poll is a 500 as soon as something happens.',
  },
  {
    id: 'invited-rooms-last',
    endpoint: 'initial-sync',
    what: 'invited rooms come last',
    why: 'matrix-client 0.0.3, a Python client, stops at the first room that lacks what joined rooms have.',
  },
  {
    id: 'invited-rooms-have-lists',
    endpoint: 'initial-sync',
    what: 'invited rooms have empty messages, state and account data',
    why: 'The same client stops at a room without them.',
    recognises: isDueTo.listsOfInvitedRooms,
  },
  {
    id: 'full-chunks',
    endpoint: 'initial-sync',
    what: 'chunks are full where there is something to fill them with',
    why: 'Synapse takes what the user may not see out of the newest `limit` events, and gives nothing older instead.',
    recognises: isDueTo.filledChunks,
  },
  {
    id: 'no-aliases-in-the-state',
    endpoint: 'initial-sync',
    what: 'lists of aliases are not in the state',
    why: '`/sync` leaves these events of old rooms out, and no room has been given new ones since 2020.',
    recognises: isDueTo.aliasesInTheState,
  },
  {
    id: 'raw-invites-are-legacy',
    endpoint: 'initial-sync',
    what: 'with `raw` invites are as without',
    why: 'No modern endpoint gives their federation form.',
    recognises: isDueTo.legacyRawInvites,
  },
  {
    id: 'chunks-by-arrival',
    endpoint: 'initial-sync',
    what: 'chunks are in the order of arrival',
    why: 'Synapse orders them by depth. Where nothing forked the two are the same.',
  },
  {
    id: 'own-start-tokens',
    endpoint: 'initial-sync',
    what: '`messages.start` may be a token of ours',
    why: 'It pages back from the same place. `prev_batch` of an unlimited timeline means *now*, and would give the chunk again.',
  },
  {
    id: 'bots-have-joined-rooms-only',
    endpoint: 'initial-sync',
    what: 'the own bot of an application service is shown its joined rooms only',
    why: "Synapse's `/sync` is a 500 for it, and nothing else tells its invites, the rooms that it left, presence, receipts or account data. A bot that is in no room gets 404, as nothing tells a position.",
  },
  {
    id: 'visibility-may-be-missing',
    endpoint: 'initial-sync',
    what: '`visibility` is left out where the homeserver does not tell it in time',
    why: 'In Synapse it is always there. `visibility_wait` says how long the answer waits, in all; in draft A of v2_alpha it is `published`.',
  },
  {
    id: 'unknown-events-are-errors',
    endpoint: 'event',
    what: 'an unknown event is an error object',
    why: 'Synapse answers with the bare JSON string `"Event not found."`.',
  },
  {
    id: 'hidden-events-are-404',
    endpoint: 'event',
    what: "an event that is not the caller's to see is 404",
    why: 'Synapse answers 403, which tells that the event exists.',
  },
  {
    id: 'peeks-have-room-events-only',
    endpoint: 'peek-events',
    what: 'with `room_id` there are room events only',
    why: 'Synapse also gives typing, receipts and presence, and to a member all tags and account data; no modern endpoint tells a peeker of them.',
  },
  {
    id: 'closed-rooms-end-a-peek',
    endpoint: 'peek-events',
    what: 'a room that turns unreadable while a poll waits is 403 at once',
    why: 'Synapse still shows the change itself.',
  },
  {
    id: 'peekers-see-no-presence',
    endpoint: 'room-initial-sync',
    what: 'a peeker gets no receipts and no presence',
    why: 'No modern endpoint tells them.',
    recognises: isDueTo.presenceForPeekers,
  },
  {
    id: 'full-room-chunk',
    endpoint: 'room-initial-sync',
    what: 'the chunk is full where there is something to fill it with',
    why: 'In Synapse what cannot be seen leaves it short.',
    recognises: isDueTo.filledRoomChunk,
  },
  {
    id: 'receipts-of-the-chunk',
    endpoint: 'room-initial-sync',
    what: 'receipts are told of the events of the chunk only',
    why: 'Sliding sync tells no others.',
    recognises: isDueTo.receiptsOutsideTheChunk,
  },
  {
    id: 'forgotten-rooms-look-left',
    endpoint: 'room-initial-sync',
    what: 'a room that the user left and forgot, and in which nothing happened since, is shown as one that he left',
    why: 'No modern endpoint tells the two apart.',
  },
  {
    id: 'left-rooms-have-tags-only',
    endpoint: 'room-initial-sync',
    what: 'a user who left gets tags, but no other account data of the room',
    why: 'No modern endpoint lists it for him.',
    recognises: isDueTo.accountDataAfterLeaving,
  },
  {
    id: 'no-presence-in-large-rooms',
    endpoint: 'room-initial-sync',
    what: "in rooms of more than 50 members nobody's presence is asked for",
    why: 'It would be a call for each.',
    recognises: isDueTo.presenceInLargeRooms,
  },
  {
    id: 'own-end-token-of-left-rooms',
    endpoint: 'room-initial-sync',
    what: '`messages.end` of a left room is a token of ours',
    why: "Synapse's token contains zeros; a client that continues from it receives all presence and account data again.",
  },
  {
    id: 'filled-pages-may-be-longer',
    endpoint: 'messages',
    what: 'a page under the old prefixes may have up to twice `limit` events',
    why: 'It is filled with whole further ones, as no token tells a place inside of one.',
  },
  {
    id: 'draft-a-needs-no-limit',
    endpoint: 'v2-alpha-sync',
    what: 'draft A needs no `limit`',
    why: 'Synapse refused it without. The other parameters of the draft tell it as well.',
  },
  {
    id: 'draft-a-lists-left-rooms',
    endpoint: 'v2-alpha-sync',
    what: "rooms that the user left are in draft A's list",
    why: 'A client would not learn that it was kicked.',
  },
  {
    id: 'draft-a-invites-carry-state',
    endpoint: 'v2-alpha-sync',
    what: 'an invited room of draft A has the stripped state',
    why: 'The room has a name then. The ids are synthetic, and the same every time.',
  },
  {
    id: 'draft-rooms-have-prev-batch',
    endpoint: 'v2-alpha-sync',
    what: '`prev_batch` is always there',
    why: 'A client pages back from it. Where the homeserver has none, it is a token of ours.',
  },
  {
    id: 'only-passwords-register',
    endpoint: 'v1',
    what: 'on api/v1 only a password registers',
    why: 'Stages like a captcha had other fields in 2014; where one is needed, the answer is 403 and names it.',
  },
  {
    id: 'presence-lists-are-what-was-told',
    endpoint: 'v1',
    what: 'presence lists hold the users of whom the session was told',
    why: 'In Synapse they have been 404 since 2019, which stops clients that start with them. Nobody can be added or taken off; the list of another user is empty.',
  },
  {
    id: 'the-old-directory-ends',
    endpoint: 'v1',
    what: "the list of 2014 ends after 200 pages of today's directory",
    why: 'These are 100,000 rooms; Synapse listed all rooms of the server. Two at once of one session or address read it, eight in all; the others wait.',
  },
] as const satisfies readonly KnownDifference[];

type Row = (typeof table)[number];
/** An id as it stands behind `Differs:` in the code. */
export type DifferenceId = Row['id'];
/** Those that a comparison of two answers can recognise. */
export type RecognisedId = Extract<Row, { recognises: Recogniser }>['id'];

/** All rows, in the order in which the docs have them. */
export const differences: readonly KnownDifference[] = table;

/** Returns what a comparison expects: these, or all that can be recognised. */
export function expectedDifferences(ids?: readonly RecognisedId[]): ExpectedDifference[] {
  return differences.flatMap(({ id, recognises, dependsOnTiming }) => {
    const isAsked = recognises !== undefined && (ids === undefined || ids.some((each) => each === id));
    return isAsked ? [{ id, recognises, dependsOnTiming: dependsOnTiming === true }] : [];
  });
}
