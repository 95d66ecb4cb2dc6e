import type { Presences } from '../../caches/presences.ts';
import type { EphemeralEvent } from '../../matrix/client-event.ts';
import { loopBudget } from '../../scheduling/loop-budget.ts';
import type { StreamUpdate, WrittenEphemeral } from '../../translate/events.ts';
import { toLegacyInvite } from '../../translate/invite.ts';
import type { Services } from '../services.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import type { Session } from '../session/session.ts';

/** So that nobody waits while thousands are remembered. */
const PRESENCES_AT_A_TIME = 1000;

/** Reads all that is not room history, as JSON: invites and knocks, presence, typing, receipts, account data. */
export async function readRest(
  { pendingRooms, ephemeral }: StreamUpdate,
  { account, userId, key }: Session,
  { clock, presences }: Pick<Services, 'clock' | 'presences'>,
): Promise<Buffer[]> {
  await notePresences(key, ephemeral, presences);
  const invited = pendingRooms
    .filter(({ membership }) => membership === 'invite')
    .map(({ roomId }) => roomId);
  const notified = await readInviteNotifications({ account, userId }, invited);
  const invites = pendingRooms.map(({ roomId, strippedState, membership }) => {
    const notification = notified.get(roomId);
    const { invite } = toLegacyInvite({
      roomId,
      inviteState: strippedState,
      membership,
      userId,
      notification,
      isInChunk: true,
      nowMs: clock.now(),
    });
    return Buffer.from(JSON.stringify(invite));
  });
  return [...invites, ...ephemeral.map(({ bytes }) => bytes)];
}

async function notePresences(
  key: Session['key'],
  ephemeral: readonly WrittenEphemeral[],
  presences: Presences,
): Promise<void> {
  const told = ephemeral.filter(({ type }) => type === 'm.presence');
  for (let at = 0; at < told.length; at += PRESENCES_AT_A_TIME) {
    const some = told.slice(at, at + PRESENCES_AT_A_TIME);
    await loopBudget.turnFor(some.reduce((sum, { bytes }) => sum + bytes.length, 0));
    presences.note(
      key,
      some.map(({ bytes }) => JSON.parse(bytes.toString()) as EphemeralEvent),
    );
  }
}
