import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { Clock } from '../../scheduling/clock.ts';
import type { Place } from './parked-polls.ts';

/** Waits for a poll's place, or until its time is over; resolves with what is left of it. Throws the signal's reason. */
export async function waitForPlace(
  { entered, hasEntered }: Place,
  timeoutMs: Milliseconds,
  clock: Clock,
  signal: AbortSignal,
): Promise<Milliseconds> {
  if (hasEntered()) return timeoutMs;
  const until = clock.now() + timeoutMs;
  const isIn = new AbortController();
  void entered.then(() => isIn.abort());
  await clock.sleep(timeoutMs, AbortSignal.any([signal, isIn.signal])).catch(() => signal.throwIfAborted());
  return Math.max(0, until - clock.now());
}
