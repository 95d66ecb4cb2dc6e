import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's heap close to what is in use, for the whole process.
 *
 * The young generation stays as small as it starts. Bodies on their way are chunks of 64 KB outside V8's heap, each let
 * go of with its small object in the young generation. Left to grow to its 32 MB it lets hundreds of them wait: an initial
 * sync of any size then takes 80 MB more instead of 30, and no less CPU (bench/initial-sync.ts).
 *
 * The old generation is cleared when it has doubled. Left alone it grows several times over first: what a few catch-ups
 * of 100,000 events left there was 60 MB, and is now 10. Cleared more often, at half as much again, it costs a catch-up a
 * third more CPU (bench/catch-up.ts).
 */
export function keepMemoryFlat(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}
