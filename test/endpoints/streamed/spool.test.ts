import fc from 'fast-check';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createSpool,
  openNamelessFile,
  type Spool,
  type SpoolFile,
} from '../../../src/endpoints/streamed/spool.ts';
import type { RoomId } from '../../../src/matrix/identifiers.ts';
import type { HeldSlot } from '../../../src/translate/answer-output.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hindsync-spool-'))));
afterAll(() => rm(folder, { recursive: true }));

const openFile = () => openNamelessFile(folder);

const hold = (spool: Spool, slot: HeldSlot, roomId: string, bytes: Buffer) =>
  spool.hold(slot, { roomId: roomId as RoomId, bytes });

async function released(spool: Spool, slot: HeldSlot): Promise<[string, string][]> {
  const records: [string, string][] = [];
  for await (const { roomId, bytes } of spool.release(slot)) records.push([roomId, bytes.toString('latin1')]);
  return records;
}

describe('a spool', () => {
  test('any records, with room for some, none or all in memory -> they come back in order, by slot', async () => {
    const slot = fc.constantFrom<HeldSlot>('receipts', 'invites', 'state');
    const record = fc.tuple(slot, fc.uint8Array({ maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 12 }),
        fc.nat({ max: 100 }),
        async (records, maxMemoryBytes) => {
          const spool = createSpool({ maxMemoryBytes, openFile });
          for (const [i, [name, bytes]] of records.entries())
            await hold(spool, name, `!${i}`, Buffer.from(bytes));
          for (const name of ['receipts', 'invites', 'state'] as const) {
            const expected = records.flatMap(([at, bytes], i) =>
              at === name ? [[`!${i}`, Buffer.from(bytes).toString('latin1')]] : [],
            );
            expect(await released(spool, name)).toEqual(expected);
            expect(await released(spool, name)).toEqual([]);
          }
          await spool.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('bytes that are used again after they were held -> what is released is as it was', async () => {
    for (const maxMemoryBytes of [0, 100]) {
      const spool = createSpool({ maxMemoryBytes, openFile });
      const bytes = Buffer.from('abc');
      await hold(spool, 'state', '!a', bytes);
      bytes.fill('x');
      expect(await released(spool, 'state')).toEqual([['!a', 'abc']]);
      await spool.close();
    }
  });

  test('a slot that is dropped -> gives nothing, and its memory is free again', async () => {
    const spool = createSpool({
      maxMemoryBytes: 3,
      openFile: () => openNamelessFile(join(folder, 'does-not-exist')),
    });
    await hold(spool, 'state', '!a', Buffer.from('abc'));
    spool.drop('state');
    expect(await released(spool, 'state')).toEqual([]);
    await hold(spool, 'receipts', '!b', Buffer.from('def'));
    expect(await released(spool, 'receipts')).toEqual([['!b', 'def']]);
    await spool.close();
  });

  test('what is released -> makes room in memory', async () => {
    const spool = createSpool({
      maxMemoryBytes: 3,
      openFile: () => openNamelessFile(join(folder, 'does-not-exist')),
    });
    for (let i = 0; i < 3; i += 1) {
      await hold(spool, 'state', '!a', Buffer.from('abc'));
      expect(await released(spool, 'state')).toEqual([['!a', 'abc']]);
    }
    await spool.close();
  });

  test('beyond the bound -> in a file that nobody else can find', async () => {
    const spool = createSpool({ maxMemoryBytes: 0, openFile });
    await hold(spool, 'state', '!a', Buffer.from('secret'));
    expect(await readdir(folder)).toEqual([]);
    await spool.close();
  });

  test('closed twice, or never used -> no error', async () => {
    const spool = createSpool({ maxMemoryBytes: 0, openFile });
    await hold(spool, 'state', '!a', Buffer.from('x'));
    await spool.close();
    await spool.close();
    expect(await released(spool, 'state')).toEqual([]);
  });

  test('a file that takes and gives a few bytes at a time -> each record comes back whole, or the spool throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat({ max: 9 })),
        fc.nat({ max: 120 }),
        async (records, sizes, room) => {
          const file = new ShortFile(sizes, room);
          const spool = createSpool({ maxMemoryBytes: 0, openFile: async () => file });
          const sent: string[] = [];
          const given = (async () => {
            for (const [i, bytes] of records.entries())
              await hold(spool, 'state', `!${i}`, Buffer.from(bytes));
            for await (const { bytes } of spool.release('state')) sent.push(bytes.toString('latin1'));
          })();
          await given.catch(() => {});
          const expected = records.map((bytes) => Buffer.from(bytes).toString('latin1'));
          expect(sent).toEqual(expected.slice(0, sent.length));
          const isWhole = await given.then(
            () => true,
            () => false,
          );
          if (isWhole) expect(sent).toEqual(expected);
          await spool.close();
          expect(file.isClosed).toBe(true);
        },
      ),
    );
  });

  test('a folder that is full after part of a record -> holding it throws', async () => {
    const spool = createSpool({ maxMemoryBytes: 0, openFile: async () => new ShortFile([64], 64) });
    await expect(hold(spool, 'state', '!a', Buffer.alloc(200, 'u'))).rejects.toThrow('takes no more');
    await spool.close();
  });

  test('a file that lost its end -> releasing throws, and gives none of its bytes', async () => {
    const file = new ShortFile([1000], 1000);
    const spool = createSpool({ maxMemoryBytes: 0, openFile: async () => file });
    await hold(spool, 'state', '!a', Buffer.alloc(200, 'u'));
    file.bytes.splice(100);
    await expect(released(spool, 'state')).rejects.toThrow('shorter than');
    await spool.close();
  });

  test('closed while its file is being opened -> the file is closed, and no second one is opened', async () => {
    const opening = Promise.withResolvers<SpoolFile>();
    let opened = 0;
    const spool = createSpool({
      maxMemoryBytes: 0,
      openFile: () => {
        opened += 1;
        return opening.promise;
      },
    });
    const held = hold(spool, 'state', '!a', Buffer.from('x')).catch(() => 'left');
    const closed = spool.close();
    const file = new ShortFile([9], 100);
    opening.resolve(file);
    await closed;
    await held;
    expect(file.isClosed).toBe(true);
    await expect(hold(spool, 'state', '!b', Buffer.from('y'))).rejects.toThrow();
    expect(opened).toBe(1);
  });
});

/** A file that takes and gives so many bytes at a time, 0 counting as all, on a disk with so much room. */
class ShortFile implements SpoolFile {
  readonly bytes: number[] = [];
  isClosed = false;
  readonly #sizes: Iterator<number>;
  readonly #room: number;

  constructor(sizes: Iterable<number>, room: number) {
    this.#sizes = sizes[Symbol.iterator]();
    this.#room = room;
  }

  #atMost(length: number): number {
    const size: number = this.#sizes.next().value ?? 0;
    return Math.min(length, size === 0 ? length : size);
  }

  async write(bytes: Buffer, offset: number, length: number, position: number) {
    const bytesWritten = Math.max(0, Math.min(this.#atMost(length), this.#room - position));
    for (let i = 0; i < bytesWritten; i += 1) this.bytes[position + i] = bytes[offset + i] ?? 0;
    return { bytesWritten };
  }

  async read(bytes: Buffer, offset: number, length: number, position: number) {
    const given = this.bytes.slice(position, position + this.#atMost(length));
    bytes.set(given, offset);
    return { bytesRead: given.length };
  }

  async close() {
    this.isClosed = true;
  }
}
