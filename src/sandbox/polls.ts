import type { Milliseconds, UserId } from '../matrix/identifiers.ts';
import type { Room } from './room.ts';
import type { User } from './user.ts';

/** Whom news concern; neither: everybody. */
export type Audience = { userId: UserId } | { room: Room } | Record<never, never>;

/** More would overflow a timer, which then fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The long polls that wait for news. */
export class Polls {
  readonly #waiting = new Set<{ user: User; wake: () => void }>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Resolves at news that concern a user, after `atMostMs`, or when the client has left. */
  wait(user: User, atMostMs: Milliseconds, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(poll);
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const poll = { user, wake };
      const timer = setTimeout(wake, Math.min(atMostMs, LONGEST_TIMER_MS));
      this.#waiting.add(poll);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }

  wake(audience: Audience): void {
    for (const { user, wake } of this.#waiting) {
      if ('userId' in audience && audience.userId !== user.userId) continue;
      // Also those who just ceased to be members, who are told that.
      if ('room' in audience && !user.rooms.has(audience.room)) continue;
      wake();
    }
  }
}
