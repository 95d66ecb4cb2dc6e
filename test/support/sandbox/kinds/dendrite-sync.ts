import type { RoomId } from '../../../../src/matrix/identifiers.ts';
import type { EventBatch, RoomUpdate, SyncResponse } from '../../../../src/matrix/sync.ts';
import type { ClientEvent, JsonObject } from '../../../../src/matrix/client-event.ts';
import type { EventId } from '../../../../src/matrix/identifiers.ts';
import type { Call, Route } from '../../../../src/sandbox/routes/route.ts';
import type { StoredEvent } from '../../../../src/sandbox/stored-event.ts';
import { encodeSyncToken } from '../../../../src/sandbox/tokens.ts';
import { withoutUnsigned } from './dendrite-event.ts';
import { before, readSince, toMessagesToken, toSyncToken } from './dendrite-tokens.ts';
import { withQuery } from './changed-routes.ts';
import { changeFilter, toForeignSync } from './foreign-sync.ts';
import type { Played } from './play.ts';

/**
 * Dendrite's `/sync`: it filters neither rooms nor presence nor what is ephemeral, and knows no left rooms from the
 * beginning; it comes back at once for whatever happened to others; and it repeats that nobody types.
 *
 * @see docs/reference/homeservers.md#sync
 */
export function dendriteSync({ homeserver }: Played, own: Route['handle']): Route['handle'] {
  return async (call) => {
    const text = call.query.get('since');
    const since = text === null || text === '' ? undefined : readSince(text);
    const repeated = since === undefined ? [] : roomsWhereNobodyTypes(call);
    const isWoken = since !== undefined && (since < homeserver.stream || repeated.length > 0);
    const asked = withQuery(call, {
      since: since === undefined ? undefined : encodeSyncToken(since),
      filter: changeFilter(call.query.get('filter'), ({ presence: _presence, room, ...filter }) => ({
        ...withoutWildcards(filter),
        room: changeRoomFilter(room),
      })),
      ...(isWoken && { timeout: '0' }),
    });
    const answer = (await own(asked)) as SyncResponse;
    for (const roomId of repeated) repeatTyping(answer, roomId);
    const beforeEvent = (eventId: string) =>
      toMessagesToken(before(homeserver.events.get(eventId as EventId) as StoredEvent));
    return toForeignSync(
      answer,
      { syncToken: (stream) => toSyncToken(homeserver, stream), before: beforeEvent },
      withoutUnsignedEvents,
    );
  };
}

function changeRoomFilter({
  rooms: _rooms,
  not_rooms: _not,
  ephemeral: _ephemeral,
  include_leave: _leave,
  ...room
}: JsonObject) {
  const timeline = (room['timeline'] ?? {}) as JsonObject;
  const limit = timeline['limit'];
  // A negative limit means all but one.
  const isNegative = typeof limit === 'number' && limit < 0;
  return { ...room, timeline: { ...withoutWildcards(timeline), ...(isNegative && { limit: 100 }) } };
}

/** Wildcards work in the PostgreSQL build alone. */
function withoutWildcards(filter: JsonObject): JsonObject {
  const { not_types: notTypes, ...others } = filter;
  const kept = Array.isArray(notTypes) ? notTypes.filter((type) => !String(type).includes('*')) : [];
  return { ...others, ...(kept.length > 0 && { not_types: kept }) };
}

/** Measured after an expiry; here after any end of typing. */
function roomsWhereNobodyTypes({ session }: Call): RoomId[] {
  return session.user
    .joinedRooms()
    .filter(({ typing }) => typing.stream > 0 && typing.users.size === 0)
    .map(({ roomId }) => roomId);
}

function repeatTyping(answer: SyncResponse, roomId: RoomId): void {
  const join = { ...answer.rooms?.join };
  const room: RoomUpdate = join[roomId] ?? {};
  const others = (room.ephemeral?.events ?? []).filter(({ type }) => type !== 'm.typing');
  const nobody = { type: 'm.typing', content: { user_ids: [] } };
  join[roomId] = { ...room, ephemeral: { events: [...others, nobody] } };
  answer.rooms = { ...answer.rooms, join };
}

function withoutUnsignedEvents({ timeline, state, ...room }: RoomUpdate): RoomUpdate {
  const stripped = (batch: EventBatch<ClientEvent>) => ({
    ...batch,
    events: (batch.events ?? []).map(withoutUnsigned),
  });
  return { ...room, timeline: timeline && stripped(timeline), state: state && stripped(state) };
}
