/**
 * Counts what is done between two turns of the event loop. Its turn may begin between two of those that it looks at, which
 * are twice the work then.
 */
export class TurnMeter {
  /** The most that was done in one turn. */
  most = 0;
  #inTurn = 0;
  #isOver = false;

  constructor() {
    const begin = (): void => {
      this.#inTurn = 0;
      if (!this.#isOver) setImmediate(begin);
    };
    setImmediate(begin);
  }

  note(bytes: number): void {
    this.#inTurn += bytes;
    this.most = Math.max(this.most, this.#inTurn);
  }

  end(): void {
    this.#isOver = true;
  }
}
