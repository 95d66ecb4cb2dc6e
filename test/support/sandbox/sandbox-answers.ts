import type { ClientEvent, EphemeralEvent, StrippedEvent } from '../../../src/matrix/client-event.ts';

interface Batch<Event> {
  events: Event[];
}

/** A room of /sync as the sandbox sends it: with every section. */
export interface RoomUpdate {
  timeline: Batch<ClientEvent> & { limited: boolean; prev_batch: string };
  state: Batch<ClientEvent>;
  ephemeral: Batch<EphemeralEvent>;
  account_data: Batch<EphemeralEvent>;
}

export interface StrippedInvite {
  invite_state: Batch<StrippedEvent>;
}

export interface SyncAnswer {
  next_batch: string;
  account_data: Batch<EphemeralEvent>;
  presence: Batch<EphemeralEvent>;
  to_device: Batch<EphemeralEvent>;
  rooms: {
    join: Record<string, RoomUpdate | undefined>;
    invite: Record<string, StrippedInvite | undefined>;
    knock: Record<string, object | undefined>;
    leave: Record<string, RoomUpdate | undefined>;
  };
}
