import type { FastifyReply } from 'fastify';
import type { HomeserverKind } from '../../homeserver/kinds/kind.ts';
import type { RoomId, SyncToken } from '../../matrix/identifiers.ts';
import { LegacyEventBytes } from '../../translate/legacy-event-bytes.ts';
import type { Services } from '../services.ts';
import type { Session } from '../session/session.ts';
import { createSpool, type Spool } from '../streamed/spool.ts';
import { readNewest, type NewestEvents } from './newest-events.ts';

export interface RoomReading {
  kind: HomeserverKind;
  isMember: boolean;
  limit: number;
  reply: FastifyReply;
}

/** The newest events of a room, held in the spool, and the position up to which they are. */
export interface NewestReading extends NewestEvents {
  now: SyncToken;
  spool: Spool;
}

/** One answer may hold back so much in memory. */
const MOST_HELD_BYTES = 4 * 1024 * 1024;
/** A busy session's stream is told faster than a room is read. */
const MOST_READINGS = 2;

/**
 * The newest events of a room, and the position up to which they are. A member who joined just now sees it as far as
 * the session's stream has told, whose next answer goes on from there: never less, also where that was told meanwhile.
 */
export async function readUpToNow(
  { account, key }: Session,
  roomId: RoomId,
  { kind, isMember, limit, reply }: RoomReading,
  services: Pick<Services, 'cursors' | 'readNow' | 'clock' | 'eventRooms'>,
): Promise<NewestReading> {
  const told = (): SyncToken | undefined =>
    isMember ? services.cursors.deliveredUpTo(key, roomId) : undefined;
  let now = told() ?? (await services.readNow(account, { setPresence: 'offline', roomId }));
  for (let readings = 0; ; readings += 1) {
    const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
    reply.raw.once('close', () => void spool.close());
    const events = await readNewest({
      account,
      roomId,
      from: kind.toBackwardsStart?.(now) ?? now,
      limit,
      events: new LegacyEventBytes(roomId, services.clock.now()),
      spool,
      onEvent: services.eventRooms.note,
    });
    const meanwhile = told() ?? now;
    if (meanwhile === now || readings === MOST_READINGS) return { now, spool, ...events };
    await spool.close();
    now = meanwhile;
  }
}
