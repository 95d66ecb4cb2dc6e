import { clientAt, type Json, type User } from './synapse-client.ts';

/** What somebody who followed `/events` received, until all had been sent and nothing more came. */
export interface Followed {
  /** Room id → event ids, as they came. */
  rooms: ReadonlyMap<string, readonly string[]>;
  polls: number;
  /** Answers that broke off or could not be asked for: each was asked for again, from the same place. */
  failures: number;
}

/** Follows `end` → `from` as an old client does, until a poll that began after `sent` finds nothing. */
export async function follow(options: {
  url: string;
  user: User;
  from: string;
  limit: number;
  sent: AbortSignal;
  /** Resolves when the follower should ask again, who has that many room events: a client has other things to do. */
  untilDue: (received: number) => Promise<void>;
}): Promise<Followed> {
  const { url, user, limit, sent, untilDue } = options;
  const client = clientAt(url, user);
  const rooms = new Map<string, string[]>();
  let { from } = options;
  let polls = 0;
  let failures = 0;
  let received = 0;
  for (;;) {
    await untilDue(received);
    const isLast = sent.aborted;
    const answer = await client.get('v3/events', { from, limit, timeout: 1000 }).catch(() => undefined);
    if (answer === undefined) {
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    if (answer.status !== 200) throw new Error(`/events: ${answer.status} ${JSON.stringify(answer.json)}`);
    polls += 1;
    const { chunk, start, end } = answer.json;
    if (start !== from) throw new Error(`asked from ${from}, answered from ${start}`);
    const events = chunk.filter(isRoomEvent);
    if (events.length > limit) throw new Error(`${events.length} room events where ${limit} were asked for`);
    received += events.length;
    for (const { room_id, event_id } of events) rooms.set(room_id, [...(rooms.get(room_id) ?? []), event_id]);
    if (isLast && end === from && chunk.length === 0) return { rooms, polls, failures };
    from = end;
  }
}

const isRoomEvent = (event: Json): boolean => typeof event.event_id === 'string';
