import fc from 'fast-check';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSpool, type Spool } from '../../src/endpoints/spool.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import type { HeldSlot } from '../../src/translate/initial-sync-piece.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hindsync-spool-'))));
afterAll(() => rm(folder, { recursive: true }));

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
          const spool = createSpool({ maxMemoryBytes, folder });
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
      const spool = createSpool({ maxMemoryBytes, folder });
      const bytes = Buffer.from('abc');
      await hold(spool, 'state', '!a', bytes);
      bytes.fill('x');
      expect(await released(spool, 'state')).toEqual([['!a', 'abc']]);
      await spool.close();
    }
  });

  test('a slot that is dropped -> gives nothing, and its memory is free again', async () => {
    const spool = createSpool({ maxMemoryBytes: 3, folder: join(folder, 'does-not-exist') });
    await hold(spool, 'state', '!a', Buffer.from('abc'));
    spool.drop('state');
    expect(await released(spool, 'state')).toEqual([]);
    await hold(spool, 'receipts', '!b', Buffer.from('def'));
    expect(await released(spool, 'receipts')).toEqual([['!b', 'def']]);
    await spool.close();
  });

  test('what is released -> makes room in memory', async () => {
    const spool = createSpool({ maxMemoryBytes: 3, folder: join(folder, 'does-not-exist') });
    for (let i = 0; i < 3; i += 1) {
      await hold(spool, 'state', '!a', Buffer.from('abc'));
      expect(await released(spool, 'state')).toEqual([['!a', 'abc']]);
    }
    await spool.close();
  });

  test('beyond the bound -> in a file that nobody else can find', async () => {
    const spool = createSpool({ maxMemoryBytes: 0, folder });
    await hold(spool, 'state', '!a', Buffer.from('secret'));
    expect(await readdir(folder)).toEqual([]);
    await spool.close();
  });

  test('closed twice, or never used -> no error', async () => {
    const spool = createSpool({ maxMemoryBytes: 0, folder });
    await hold(spool, 'state', '!a', Buffer.from('x'));
    await spool.close();
    await spool.close();
    expect(await released(spool, 'state')).toEqual([]);
  });
});
