import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientLeft } from '../../http/send.ts';
import type { HeldRecord, HeldSlot } from '../../translate/answer-output.ts';
import type { RoomId } from '../../matrix/identifiers.ts';

/**
 * The spool holds what an answer must hold back until its time comes: in memory up to a bound, beyond it in a
 * temporary file.
 */
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

/** The temporary file, as far as it is used. As with POSIX, a write or a read may do less than it was asked for. */
export interface SpoolFile {
  write(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  read(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/**
 * Builds a spool for one answer; all of its slots share the bound.
 *
 * A record comes back whole or not at all: `hold` and `release` throw where the file took or gave less than all of it, so
 * that the answer is cut.
 */
export function createSpool(options: { maxMemoryBytes: number; openFile?: () => Promise<SpoolFile> }): Spool {
  const { openFile = () => openNamelessFile(tmpdir()) } = options;
  const slots = new Map<HeldSlot, (HeldRecord | OnDisk)[]>();
  let memoryBytes = 0;
  let fileBytes = 0;
  let file: Promise<SpoolFile> | undefined;
  let isClosed = false;

  function openedFile(): Promise<SpoolFile> {
    // Whoever closed it would not close a second file.
    if (isClosed) throw new ClientLeft();
    return (file ??= openFile());
  }

  async function write({ roomId, bytes }: HeldRecord): Promise<OnDisk> {
    const position = fileBytes;
    fileBytes += bytes.length;
    const opened = await openedFile();
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await opened.write(bytes, done, bytes.length - done, position + done);
      if (bytesWritten === 0) throw new Error('The temporary file takes no more');
      done += bytesWritten;
    }
    return { roomId, position, length: bytes.length };
  }

  async function read({ roomId, position, length }: OnDisk): Promise<HeldRecord> {
    const bytes = Buffer.alloc(length);
    const opened = await openedFile();
    for (let done = 0; done < length;) {
      const { bytesRead } = await opened.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) throw new Error('The temporary file is shorter than what was written to it');
      done += bytesRead;
    }
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
      if (isClosed) return;
      isClosed = true;
      // One that is being opened is closed as soon as it is open.
      await file?.then(
        (opened) => opened.close(),
        () => {},
      );
    },
  };
}

/** A file in this folder that nobody else can find, and that is gone when the process is. */
export async function openNamelessFile(folder: string): Promise<SpoolFile> {
  const path = join(folder, `hindsync-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

/** A piece of the homeserver's chunk would keep all of the chunk, so it is copied; a large value is alone already. */
function aloneInMemory(bytes: Buffer): Buffer {
  return bytes.length === bytes.buffer.byteLength ? bytes : Buffer.from(bytes);
}
