// These filter texts say what we ask of /sync and /messages. Synapse keeps an answer for two minutes under its filter's very
// text: ours end in white space, so that they never share an entry with a client's own filter, and a variant is written
// in that white space where an answer must be fresh.

import type { JsonObject } from '../matrix/client-event.ts';

const NOTHING = { types: [] };

/** Asks for all that a legacy poll shows. */
export function pollFilter({ isRaw }: { isRaw: boolean }): string {
  return toText({
    ...formatOf(isRaw),
    account_data: { not_types: ['m.push_rules'] },
    room: { timeline: { limit: 100 }, state: NOTHING },
  });
}

/** Asks for all that an initial sync shows, with the newest `limit` events of each room. */
export function initialSyncFilter(options: {
  limit: number;
  archived: boolean;
  isRaw: boolean;
  variant: number;
}): string {
  const filter = {
    ...formatOf(options.isRaw),
    account_data: { not_types: ['m.push_rules'] },
    room: {
      ...(options.archived && { include_leave: true }),
      timeline: { limit: options.limit },
      ephemeral: { types: ['m.receipt'] },
    },
  };
  return toText(filter, options.variant);
}

/** Asks for all that v2_alpha's `/sync` shows, within a client's own filter where there is one. */
export function v2AlphaFilterText(filter: JsonObject = {}): string {
  return toText({ ...filter, account_data: NOTHING });
}

/** Asks which rooms changed, and for nothing else. */
export function catchUpFilter(variant: number): string {
  return toText(
    {
      presence: NOTHING,
      account_data: NOTHING,
      room: { timeline: { limit: 1 }, state: NOTHING, ephemeral: NOTHING, account_data: NOTHING },
    },
    variant,
  );
}

/**
 * Asks for the newest position alone. No room is enough for Synapse; Dendrite, Conduit and their like give all rooms,
 * so that the parts of a room are said to be empty as well: on Dendrite that is a twentieth of the answer.
 *
 * @see docs/homeservers.md#dendrite
 */
export function nowFilter(variant: number): string {
  const room = {
    rooms: [],
    timeline: { limit: 0, types: [] },
    state: NOTHING,
    ephemeral: NOTHING,
    account_data: NOTHING,
  };
  return toText({ presence: NOTHING, account_data: NOTHING, room }, variant);
}

/** The filter for pages of `/messages`; undefined where none is needed. */
export function messagesFilter({ isRaw }: { isRaw: boolean }): string | undefined {
  return isRaw ? toText(formatOf(true)) : undefined;
}

const formatOf = (isRaw: boolean) => (isRaw ? { event_format: 'federation' } : {});

function toText(filter: object, variant = 0): string {
  const bits = variant.toString(2).replaceAll('0', ' ').replaceAll('1', '\t');
  return `${JSON.stringify(filter)} ${bits}`;
}
