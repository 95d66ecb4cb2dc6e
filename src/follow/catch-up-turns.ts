import type { Turns } from '../scheduling/turns.ts';
import type { CatchUpAnswer, CatchUpAnswers } from './catch-up-answer.ts';

/** Gives each answer a turn of its session's, from the answer's first page to its last or until the client leaves. */
export function withTurns(answers: CatchUpAnswers, turns: Turns): CatchUpAnswers {
  return {
    open: async (remainder, request) => {
      const { session } = request;
      const { signal } = session.account;
      const end = await turns.enter(ownerOf(session.key), signal);
      // An answer that nobody begins to read never comes to its end.
      signal.addEventListener('abort', end, { once: true });
      try {
        const steps = await answers.open(remainder, request);
        if (steps !== undefined) return giveSteps(steps, end);
      } catch (error) {
        end();
        throw error;
      }
      end();
      return undefined;
    },
  };
}

/** Remainders of one room are kept under the session's key and the room's id, with a space between. */
const ownerOf = (key: string): string => key.split(' ', 1)[0] ?? key;

async function* giveSteps(steps: CatchUpAnswer, end: () => void): CatchUpAnswer {
  try {
    return yield* steps;
  } finally {
    end();
  }
}
