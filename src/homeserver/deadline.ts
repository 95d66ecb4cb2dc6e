import type { Milliseconds } from '../matrix/identifiers.ts';

/** A deadline and the client's own signal, joined; `clear` when the answer is there, so that no timer outlives it. */
export interface Deadline {
  signal: AbortSignal;
  hasPassed(): boolean;
  clear(): void;
}

export function startDeadline(durationMs: Milliseconds, client: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), durationMs);
  return {
    signal: client === undefined ? controller.signal : AbortSignal.any([client, controller.signal]),
    hasPassed: () => controller.signal.aborted,
    clear: () => clearTimeout(timer),
  };
}
