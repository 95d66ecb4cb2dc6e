import type { InitialSyncContext } from '../../translate/initial-sync-piece.ts';
import { InitialSyncTranslation } from '../../translate/initial-sync.ts';
import { writeTranslated, type TranslatedAnswerOptions } from '../streamed/translated-answer.ts';

export interface InitialSyncAnswerOptions extends Omit<TranslatedAnswerOptions, 'createTranslation'> {
  context: Omit<InitialSyncContext, 'inviteOf' | 'sink'>;
}

/** The legacy answer of `GET /initialSync`, while the homeserver's comes in: see `writeTranslated`. */
export function writeInitialSync({
  context,
  ...options
}: InitialSyncAnswerOptions): AsyncGenerator<Buffer, void> {
  return writeTranslated({
    ...options,
    createTranslation: ({ emit, sink, inviteOf }) =>
      new InitialSyncTranslation({ ...context, inviteOf, sink }, emit),
  });
}
