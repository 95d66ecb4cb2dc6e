import type { HomeserverKind } from '../homeserver/kinds/kind.ts';
import { tokensGivenBy } from '../homeserver/kinds/sync-token.ts';
import { readOrRefuse } from '../homeserver/unreadable-answer.ts';
import type { SyncToken, UserId } from '../matrix/identifiers.ts';
import { JsonReader, type JsonVisitor } from '../stream/json-reader.ts';
import { NextBatchReader } from '../translate/next-batch-reader.ts';
import { checkNextBatch } from '../translate/sync-shape.ts';
import { StreamUpdateReader, type HeldBytes, type SyncUpdate } from '../translate/stream-update-reader.ts';

/**
 * The bytes of a `/sync` answer with `since` → what the legacy stream has of it. Throws 502 where they mean nothing, or
 * where its `next_batch` is none of this kind's.
 */
export async function readStreamUpdate(
  chunks: AsyncIterable<Buffer>,
  kind: HomeserverKind,
  userId: UserId,
  held: HeldBytes,
): Promise<SyncUpdate> {
  const update = await readAnswer(chunks, new StreamUpdateReader(userId, held));
  readOrRefuse(() => checkNextBatch(update.nextBatch, tokensGivenBy(kind)));
  return update;
}

/** The bytes of any `/sync` answer → its `next_batch`. Throws 502 where it has none, or none of this kind's. */
export async function readNextBatch(chunks: AsyncIterable<Buffer>, kind: HomeserverKind): Promise<SyncToken> {
  const token = await readAnswer(chunks, new NextBatchReader());
  readOrRefuse(() => checkNextBatch(token, tokensGivenBy(kind)));
  return token;
}

/** Reads a chunk at a time: between two, everybody else has a turn. */
async function readAnswer<Result>(
  chunks: AsyncIterable<Buffer>,
  visitor: JsonVisitor & { finish(): Result },
): Promise<Result> {
  const reader = new JsonReader(visitor);
  for await (const chunk of chunks) readOrRefuse(() => reader.push(chunk));
  return readOrRefuse(() => {
    reader.end();
    return visitor.finish();
  });
}
