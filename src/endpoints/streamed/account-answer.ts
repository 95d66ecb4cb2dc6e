import type { IsSyncToken } from '../../homeserver/kinds/sync-token.ts';
import { encodeRoomToken } from '../../tokens/own-tokens.ts';
import type { AnswerOutput } from '../../translate/answer-output.ts';
import type { StreamTranslation, TranslationContext } from '../../translate/translated-sync.ts';
import type { Services } from '../services.ts';
import { readInviteNotifications } from '../session/invite-notifications.ts';
import type { Session } from '../session/session.ts';
import { createSpool, type Spool } from './spool.ts';
import { writeTranslated } from './translated-answer.ts';
import type { VisibilityWait } from './visibility-wait.ts';

/** The homeserver's `/sync`, and how it is translated. */
export interface AccountAnswer {
  chunks: AsyncIterable<Buffer>;
  isSyncToken: IsSyncToken;
  visibility: VisibilityWait;
  translate: (context: TranslationContext, out: AnswerOutput) => StreamTranslation;
}

/** One answer may hold back so much in memory; more of it waits in a temporary file. */
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/** A session's `/sync` → the client's answer, while it comes in; `onSpool` is given what must be closed in the end. */
export function writeAccount(
  { account, userId, key }: Session,
  { clock, eventRooms, presences }: Services,
  { translate, ...answer }: AccountAnswer,
  onSpool: (spool: Spool) => void,
): AsyncGenerator<Buffer, void> {
  const spool = createSpool({ maxMemoryBytes: MOST_HELD_BYTES });
  onSpool(spool);
  return writeTranslated({
    ...answer,
    spool,
    readInvites: (invited) => readInviteNotifications({ account, userId }, invited),
    translate: (out, inviteOf) =>
      translate(
        {
          userId,
          nowMs: clock.now(),
          roomToken: (roomId, eventId, side) => encodeRoomToken({ roomId, eventId, side }),
          inviteOf,
          onEvent: (eventId, roomId) => eventRooms.note(eventId, roomId),
          onPresence: (event) => presences.note(key, [event]),
        },
        out,
      ),
  });
}
