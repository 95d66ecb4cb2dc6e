/**
 * Whether an answer to a `since` tells everything from the beginning, as some homeservers do when they cannot read it:
 * the push rules, and of each joined room how it was created, or the newest of more than that.
 *
 * An incremental answer has push rules only where they were changed, and creations only of rooms that were just joined.
 */
export class InitialSyncSigns {
  #hasPushRules = false;
  #hasRooms = false;
  #areAllFromTheBeginning = true;
  #hasCreation = false;

  get isInitial(): boolean {
    return this.#hasPushRules && this.#hasRooms && this.#areAllFromTheBeginning;
  }

  /** The account's data has push rules. */
  pushRules(): void {
    this.#hasPushRules = true;
  }

  startRoom(): void {
    this.#hasCreation = false;
  }

  /** The room that is being read has an event of this type, in its state or its timeline. */
  roomEvent(type: string): void {
    if (type === 'm.room.create') this.#hasCreation = true;
  }

  /** A joined room was read. */
  endRoom(isLimited: boolean): void {
    this.#hasRooms = true;
    if (!isLimited && !this.#hasCreation) this.#areAllFromTheBeginning = false;
  }
}
