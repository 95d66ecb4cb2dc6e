import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HeldRecord, HeldSlot } from '../translate/initial-sync-piece.ts';
import type { RoomId } from '../matrix/identifiers.ts';

/** What an answer must hold back until its time comes: in memory up to a bound, beyond it in a temporary file. */
export interface Spool {
  hold(slot: HeldSlot, record: HeldRecord): Promise<void>;
  /** The slot's records in the order in which they came; afterwards the slot is empty. */
  release(slot: HeldSlot): AsyncGenerator<HeldRecord>;
  drop(slot: HeldSlot): void;
  /** Ends the temporary file, whatever is in it. */
  close(): Promise<void>;
}

interface OnDisk {
  roomId: RoomId;
  position: number;
  length: number;
}

/** A spool of its own for each answer; all slots share the bound. */
export function createSpool(options: { maxMemoryBytes: number; folder?: string }): Spool {
  const slots = new Map<HeldSlot, (HeldRecord | OnDisk)[]>();
  let memoryBytes = 0;
  let fileBytes = 0;
  let file: FileHandle | undefined;

  async function openFile(): Promise<FileHandle> {
    if (file !== undefined) return file;
    const path = join(options.folder ?? tmpdir(), `hindsync-${randomUUID()}`);
    file = await open(path, 'wx+', 0o600);
    // Nobody else needs to find it, and it is gone when the process is.
    await unlink(path);
    return file;
  }

  async function write({ roomId, bytes }: HeldRecord): Promise<OnDisk> {
    const position = fileBytes;
    fileBytes += bytes.length;
    await (await openFile()).write(bytes, 0, bytes.length, position);
    return { roomId, position, length: bytes.length };
  }

  async function read({ roomId, position, length }: OnDisk): Promise<HeldRecord> {
    const bytes = Buffer.allocUnsafe(length);
    await (await openFile()).read(bytes, 0, length, position);
    return { roomId, bytes };
  }

  return {
    hold: async (slot, record) => {
      const records = slots.get(slot) ?? [];
      slots.set(slot, records);
      if (memoryBytes + record.bytes.length > options.maxMemoryBytes) {
        records.push(await write(record));
        return;
      }
      memoryBytes += record.bytes.length;
      records.push({ ...record, bytes: aloneInMemory(record.bytes) });
    },
    release: async function* (slot) {
      const records = slots.get(slot) ?? [];
      slots.delete(slot);
      for (const record of records) {
        if ('bytes' in record) memoryBytes -= record.bytes.length;
        yield 'bytes' in record ? record : await read(record);
      }
    },
    drop: (slot) => {
      for (const record of slots.get(slot) ?? []) if ('bytes' in record) memoryBytes -= record.bytes.length;
      slots.delete(slot);
    },
    close: async () => {
      slots.clear();
      await file?.close();
      file = undefined;
    },
  };
}

/** A piece of the homeserver's chunk would keep all of the chunk, so it is copied; a large value is alone already. */
function aloneInMemory(bytes: Buffer): Buffer {
  return bytes.length === bytes.buffer.byteLength ? bytes : Buffer.from(bytes);
}
