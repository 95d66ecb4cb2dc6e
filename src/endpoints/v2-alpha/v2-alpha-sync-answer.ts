import { V2AlphaSyncTranslation, type V2AlphaSyncContext } from '../../translate/v2-alpha-sync.ts';
import { writeTranslated, type TranslatedAnswerOptions } from '../streamed/translated-answer.ts';

export interface V2AlphaSyncAnswerOptions extends Omit<TranslatedAnswerOptions, 'createTranslation'> {
  context: Omit<V2AlphaSyncContext, 'inviteOf' | 'sink'>;
}

/** The answer of v2_alpha's `GET /sync`, while the homeserver's comes in: see `writeTranslated`. */
export function writeV2AlphaSync({
  context,
  ...options
}: V2AlphaSyncAnswerOptions): AsyncGenerator<Buffer, void> {
  return writeTranslated({
    ...options,
    createTranslation: ({ emit, sink, inviteOf }) =>
      new V2AlphaSyncTranslation({ ...context, inviteOf, sink }, emit),
  });
}
