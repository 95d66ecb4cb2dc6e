import type { HeldBytes } from '../translate/stream-update-reader.ts';

/** Counts what one answer holds of the timelines that it was read with. */
export interface AnswerMemory extends HeldBytes {
  /** Gives all of it back: the answer was sent, or is read anew. */
  release(): void;
}

/** Counts what all answers hold together, and says what one may hold. */
export interface Increments {
  open(): AnswerMemory;
  readonly bytes: number;
}

const MIB = 1024 * 1024;

/**
 * Bounds what is kept of the timelines of incremental `/sync` answers until they are given: of one answer, and in all.
 * What is not kept is read from `/messages` when it is its turn, so nothing fails for want of memory.
 */
export function createIncrements({ mostBytesPerAnswer = 4 * MIB, mostBytes = 32 * MIB } = {}): Increments {
  let inAll = 0;
  return {
    open: () => {
      let held = 0;
      const give = (bytes: number): void => {
        held -= bytes;
        inAll -= bytes;
      };
      return {
        take: (bytes) => {
          if (held + bytes > mostBytesPerAnswer || inAll + bytes > mostBytes) return false;
          held += bytes;
          inAll += bytes;
          return true;
        },
        give,
        release: () => give(held),
      };
    },
    get bytes() {
      return inAll;
    },
  };
}
