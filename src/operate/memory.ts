import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's young generation as small as it starts, for the whole process.
 *
 * Bodies on their way are chunks of 64 KB outside V8's heap, each let go of with its small object in the young generation.
 * Left to grow to its 32 MB it lets hundreds of them wait: an initial sync of any size then takes 80 MB more instead of
 * 30, and no less CPU (bench/initial-sync.ts).
 */
export function keepMemoryFlat(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
