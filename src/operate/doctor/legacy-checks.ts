// Each legacy endpoint once, on an account of the operator's, through a gateway: nothing is written or acknowledged.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import { ask, jsonOf, NoAnswer } from '../ask.ts';
import { good, note, wrong, type Finding } from './finding.ts';

export interface EndpointsToCheck {
  /** A gateway's. */
  origin: string;
  accessToken: string;
  deadlineMs: Milliseconds;
}

type Json = Record<string, unknown>;

interface Step {
  what: string;
  rawUrl: string;
  isGood: (answer: Json) => boolean;
}

/**
 * Asks as an old client would.
 *
 * `/events` without `from` acknowledges no message to the device; and an initial sync has none to acknowledge.
 */
export async function checkLegacyEndpoints({
  origin,
  accessToken,
  deadlineMs,
}: EndpointsToCheck): Promise<Finding[]> {
  const findings: Finding[] = [];
  async function take({ what, rawUrl, isGood }: Step): Promise<Json | undefined> {
    const inQuery = `${rawUrl}${rawUrl.includes('?') ? '&' : '?'}access_token=${encodeURIComponent(accessToken)}`;
    try {
      const answer = await ask({ origin, rawUrl: `/_matrix/client/${inQuery}`, deadlineMs });
      const value = jsonOf(answer.text) as Json | undefined;
      const isAsked = answer.status === 200 && value !== undefined && isGood(value);
      findings.push(
        isAsked
          ? good(what, `${Math.round(answer.totalMs)} ms`)
          : wrong(what, `status ${answer.status}: ${describe(value)}`, adviceFor(answer.status)),
      );
      return isAsked ? value : undefined;
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      findings.push(wrong(what, error.message, adviceFor(504)));
      return undefined;
    }
  }

  const account = await take({
    what: 'access token',
    rawUrl: 'v3/account/whoami',
    isGood: ({ user_id: id }) => typeof id === 'string',
  });
  if (account === undefined) return findings;
  const initial = await take({
    what: '/initialSync',
    rawUrl: 'api/v1/initialSync?limit=1',
    isGood: ({ rooms }) => Array.isArray(rooms),
  });
  await take({ what: '/events', rawUrl: 'api/v1/events?timeout=0', isGood: isEvents });
  await take({
    what: 'v2_alpha/sync',
    rawUrl: 'v2_alpha/sync?timeout=0',
    isGood: (answer) => typeof answer['next_batch'] === 'string',
  });
  const { roomId, eventId } = roomOf(initial);
  if (roomId === undefined) {
    findings.push(note('rooms', 'the account is in no room, so previews and single events were not tried'));
    return findings;
  }
  const room = encodeURIComponent(roomId);
  await take({
    what: '/rooms/{roomId}/initialSync',
    rawUrl: `v3/rooms/${room}/initialSync?limit=1`,
    isGood: (answer) => answer['room_id'] === roomId,
  });
  await take({ what: '/events?room_id=', rawUrl: `v3/events?room_id=${room}&timeout=0`, isGood: isEvents });
  await take({
    what: '/rooms/{roomId}/messages',
    rawUrl: `r0/rooms/${room}/messages?dir=b&limit=1`,
    isGood: (answer) => Array.isArray(answer['chunk']),
  });
  if (eventId !== undefined)
    await take({
      what: '/events/{eventId}',
      rawUrl: `r0/events/${encodeURIComponent(eventId)}`,
      isGood: (answer) => answer['event_id'] === eventId,
    });
  return findings;
}

const isEvents = ({ chunk, end }: Json): boolean =>
  Array.isArray(chunk) && typeof end === 'string' && end !== '';

/** The first room that was joined, and an event in it. */
function roomOf(initialSync: Json | undefined): { roomId?: string; eventId?: string } {
  const rooms = (initialSync?.['rooms'] ?? []) as {
    room_id: string;
    membership?: string;
    messages?: { chunk?: { event_id?: string }[] };
  }[];
  const room = rooms.find(({ membership }) => membership === 'join');
  if (room === undefined) return {};
  const eventId = room.messages?.chunk?.at(-1)?.event_id;
  return { roomId: room.room_id, ...(eventId !== undefined && { eventId }) };
}

function describe(value: Json | undefined): string {
  if (value === undefined) return 'no JSON';
  const { errcode, error } = value;
  return errcode === undefined ? 'an answer of another shape' : `${String(errcode)} (${String(error)})`;
}

function adviceFor(status: number): string {
  if (status === 401) return 'the file must hold one access token that is still valid, and nothing else';
  if (status >= 500)
    return "look into the homeserver's log; docs/endpoints.md says what each endpoint asks of it";
  return 'please report it, with what hindsync doctor --json says';
}
