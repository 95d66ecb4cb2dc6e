import type { DeviceId, UserId } from '../matrix/identifiers.ts';

/** An access token, as an HMAC: no token is kept anywhere. */
export type TokenKey = string & { readonly tokenKey: unique symbol };

/** Whom an application service wants to act as; an ordinary token may say so too, and the homeserver ignores it. */
export interface Masquerade {
  userId?: UserId;
  deviceId?: DeviceId;
}

/** `note` sees by this whether the session ended while the homeserver was asked about it. */
export interface Question {
  tokenKey: TokenKey;
  masquerade: Masquerade | undefined;
  isOutdated: boolean;
}

/** The questions that the homeserver has not answered yet. */
export class Questions {
  readonly #open = new Set<Question>();

  open(tokenKey: TokenKey, masquerade: Masquerade | undefined): Question {
    const question: Question = { tokenKey, masquerade, isOutdated: false };
    this.#open.add(question);
    return question;
  }

  close(question: Question): void {
    this.#open.delete(question);
  }

  /** The answers to these questions tell nothing any more. */
  outdate(isConcerned: (question: Question) => boolean): void {
    for (const question of this.#open) if (isConcerned(question)) question.isOutdated = true;
  }
}
