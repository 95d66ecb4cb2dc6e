// How much everybody together does between two turns of the event loop.

/** A connection gives so many bytes at a time. */
const CHUNK_BYTES = 64 * 1024;

/** Reading so much JSON takes up to ten milliseconds (bench/large-answers.ts). */
const BYTES_PER_TURN = 8 * CHUNK_BYTES;

/** A byte that is only passed on or sent costs so much, where one that is read costs 1. */
export const SENT = 1 / 4;

/** A loop budget bounds the bytes that are worked on between two turns of the event loop, for all requests together. */
export interface LoopBudget {
  /**
   * Counts the bytes, and returns undefined where they may be worked on now; else a promise that resolves in the turn
   * in which they may.
   */
  turnFor(bytes: number): Promise<void> | undefined;
  /** Counts bytes that were worked on; whether something is left for this turn. */
  spend(bytes: number): boolean;
  /** Calls back in a turn in which something is left. Who waits goes on in the order of asking. */
  whenLeft(goOn: () => void): void;
}

/**
 * Builds a budget. Each piece of work is short, but a connection gives up to 2 MB of them in one turn, and there are many
 * connections: without a bound on their sum, requests that are new would wait for all of them.
 *
 * A turn does at most the budget and the piece that exceeds it.
 */
export function createLoopBudget(bytesPerTurn = BYTES_PER_TURN): LoopBudget {
  const waiting = new Set<() => void>();
  let left = bytesPerTurn;
  let isTurnAsked = false;

  function spend(bytes: number): boolean {
    left -= bytes;
    askForTurn();
    return left > 0;
  }

  function askForTurn(): void {
    if (isTurnAsked) return;
    isTurnAsked = true;
    setImmediate(beginTurn);
  }

  function beginTurn(): void {
    isTurnAsked = false;
    left = bytesPerTurn;
    for (const goOn of waiting) {
      if (left <= 0) break;
      waiting.delete(goOn);
      goOn();
    }
    if (waiting.size > 0) askForTurn();
  }

  return {
    spend,
    whenLeft: (goOn) => {
      // What it will do is not known: a chunk.
      waiting.add(() => {
        spend(CHUNK_BYTES);
        goOn();
      });
      askForTurn();
    },
    turnFor: (bytes) => {
      if (left > 0) {
        spend(bytes);
        return undefined;
      }
      return new Promise((resolve) => {
        waiting.add(() => {
          spend(bytes);
          resolve();
        });
      });
    },
  };
}

/** The budget of this process, which has one event loop. */
export const loopBudget: LoopBudget = createLoopBudget();

/** Gives the same pieces, each in a turn in which it may be sent. */
export async function* inTurns<Piece extends Uint8Array>(
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<Piece, void> {
  for await (const piece of pieces) {
    const turn = loopBudget.turnFor(piece.length * SENT);
    if (turn !== undefined) await turn;
    yield piece;
  }
}
