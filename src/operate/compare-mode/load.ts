import type { Milliseconds } from '../../matrix/identifiers.ts';

/** Whether this process has time for what nobody waits for. */
export interface Load {
  readonly isBusy: boolean;
  stop(): void;
}

const LOOK_EVERY_MS: Milliseconds = 1000;
/** Above which share of its time the process has no business to compare. */
const BUSY = 0.7;

/** Looks once a second how much of the last one the event loop was busy. */
export function watchLoad(): Load {
  let isBusy = false;
  let before = performance.eventLoopUtilization();
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    isBusy = performance.eventLoopUtilization(now, before).utilization > BUSY;
    before = now;
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    get isBusy() {
      return isBusy;
    },
    stop: () => clearInterval(timer),
  };
}
