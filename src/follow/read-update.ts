import { readOrRefuse } from '../homeserver/unreadable-answer.ts';
import type { SyncToken, UserId } from '../matrix/identifiers.ts';
import { JsonReader, type JsonVisitor } from '../stream/json-reader.ts';
import { NextBatchReader } from '../translate/next-batch-reader.ts';
import { StreamUpdateReader, type HeldBytes, type SyncUpdate } from '../translate/stream-update-reader.ts';

/** The bytes of a `/sync` answer with `since` → what the legacy stream has of it. Throws 502 where they mean nothing. */
export function readStreamUpdate(
  chunks: AsyncIterable<Buffer>,
  userId: UserId,
  held: HeldBytes,
): Promise<SyncUpdate> {
  return readAnswer(chunks, new StreamUpdateReader(userId, held));
}

/** The bytes of any `/sync` answer → its `next_batch`. Throws 502 where it has none. */
export function readNextBatch(chunks: AsyncIterable<Buffer>): Promise<SyncToken> {
  return readAnswer(chunks, new NextBatchReader());
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
