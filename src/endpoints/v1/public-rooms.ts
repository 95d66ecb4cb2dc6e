import type { Account } from '../../homeserver/homeserver.ts';
import { piecesOrRefuse } from '../../homeserver/unreadable-answer.ts';
import { createTurns, type Turns } from '../../scheduling/turns.ts';
import { MatrixError } from '../../matrix/errors.ts';
import { ByteSink } from '../../stream/byte-sink.ts';
import { JsonReader } from '../../stream/json-reader.ts';
import { PUBLIC_ROOMS_START, PublicRoomsPage } from '../../translate/v1-public-rooms.ts';
import { replyWhileItComes } from '../streamed/streamed-reply.ts';
import { plainQueryOf } from './body.ts';
import type { Call, CreateEndpoint } from '../route.ts';

/** A large server's directory has some thousands of rooms: a dozen calls. Homeservers may give fewer. */
const PAGE_LIMIT = 500;
/** Smaller pieces cost a system call each. */
const PIECE_BYTES = 64 * 1024;
/** One answer has at most so many pages, which are 100,000 rooms. */
const MOST_PAGES = 200;
/** One after the other; a directory may hide rooms from some, but not that many. */
const MOST_EMPTY_PAGES = 3;

/**
 * The turns at reading the whole directory, which anybody may do where it is open: the owner is the session, or the address
 * of who has none.
 */
export function createDirectoryTurns(): Turns {
  return createTurns({
    most: 8,
    mostOfOne: 2,
    waitMs: 60_000,
    refusal: () =>
      new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many read the room directory at once, try again later', {
        retry_after_ms: 10_000,
      }),
  });
}

/**
 * `GET /publicRooms` of api/v1, which had no pages: all of today's, one after the other, a room in memory at a time. Who
 * asks for a page, by `limit` or `since`, gets one.
 *
 * Differs: the-old-directory-ends
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export const createPublicRooms: CreateEndpoint<Call> = ({ sessions, directoryTurns }) => {
  return async ({ request, reply, signal }) => {
    const account = sessions.accountOf(request, signal);
    const query = plainQueryOf(request);
    if (query.has('limit') || query.has('since')) {
      await replyWhileItComes(request, reply, piecesOrRefuse(writePage(account, query)));
      return reply;
    }
    const end = await directoryTurns.enter(sessions.shareOf(account), signal);
    try {
      await replyWhileItComes(request, reply, piecesOrRefuse(writeAllPages(account, query)));
    } finally {
      end();
    }
    return reply;
  };

  /** Reads a page, and gives its rooms as they come; those before it are in the sink, or were given. */
  async function* readPage(
    account: Account,
    query: URLSearchParams,
    { sink, isFollowing }: { sink: ByteSink; isFollowing: boolean },
  ): AsyncGenerator<Buffer, PublicRoomsPage> {
    const page = new PublicRoomsPage(sink, isFollowing);
    const reader = new JsonReader(page);
    const asked = { method: 'GET', path: 'publicRooms', query } as const;
    for await (const chunk of await account.streamRequest(asked)) {
      reader.push(chunk);
      if (sink.length >= PIECE_BYTES) yield sink.drain();
    }
    reader.end();
    return page;
  }

  async function* writePage(account: Account, query: URLSearchParams): AsyncGenerator<Buffer, void> {
    const sink = new ByteSink(2 * PIECE_BYTES);
    sink.text(PUBLIC_ROOMS_START);
    const { others } = yield* readPage(account, query, { sink, isFollowing: false });
    sink.text(`]${others.join('')}}`);
    yield sink.drain();
  }

  async function* writeAllPages(account: Account, query: URLSearchParams): AsyncGenerator<Buffer, void> {
    const sink = new ByteSink(2 * PIECE_BYTES);
    sink.text(PUBLIC_ROOMS_START);
    query.set('limit', String(PAGE_LIMIT));
    let isFollowing = false;
    let empty = 0;
    const asked = new Set<string>();
    for (let pages = 1; ; pages += 1) {
      const page: PublicRoomsPage = yield* readPage(account, query, { sink, isFollowing });
      const { count, nextBatch } = page;
      isFollowing ||= count > 0;
      empty = count > 0 ? 0 : empty + 1;
      if (nextBatch === undefined || pages === MOST_PAGES || empty === MOST_EMPTY_PAGES) break;
      // A directory that comes round would never end.
      if (asked.has(nextBatch)) break;
      asked.add(nextBatch);
      query.set('since', nextBatch);
      yield sink.drain();
    }
    sink.text(']}');
    yield sink.drain();
  }
};
