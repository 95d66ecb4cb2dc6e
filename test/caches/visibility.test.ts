import { describe, expect, test } from 'vitest';
import { createVisibilities, type RoomVisibility } from '../../src/caches/visibility.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';

const roomId = '!a:test' as RoomId;

/** A directory that answers when it is told to. */
class FakeDirectory {
  readonly asked: RoomId[] = [];
  readonly #answers: PromiseWithResolvers<RoomVisibility>[] = [];

  ask = (room: RoomId): Promise<RoomVisibility> => {
    this.asked.push(room);
    const answer = Promise.withResolvers<RoomVisibility>();
    this.#answers.push(answer);
    return answer.promise;
  };

  answer(visibility: RoomVisibility): void {
    this.#answers.shift()?.resolve(visibility);
  }

  fail(): void {
    this.#answers.shift()?.reject(new Error('down'));
  }
}

function create(more: { maxBytes?: number; ttlMs?: number } = {}) {
  const directory = new FakeDirectory();
  return { directory, visibilities: createVisibilities({ maxBytes: 1 << 16, ask: directory.ask, ...more }) };
}

describe('visibilities', () => {
  test('a room, asked for twice at once and once later -> the directory is asked once', async () => {
    const { directory, visibilities } = create();
    const both = [visibilities.of(roomId), visibilities.of(roomId)];
    directory.answer('public');
    expect(await Promise.all(both)).toEqual(['public', 'public']);
    expect(await visibilities.of(roomId)).toBe('public');
    expect(directory.asked).toEqual([roomId]);
  });

  test('peek -> only what is known, and nobody is asked', async () => {
    const { directory, visibilities } = create();
    expect(visibilities.peek(roomId)).toBeUndefined();
    expect(directory.asked).toEqual([]);
    const answer = visibilities.of(roomId);
    expect(visibilities.peek(roomId)).toBeUndefined();
    directory.answer('private');
    await answer;
    expect(visibilities.peek(roomId)).toBe('private');
  });

  test('a failure -> thrown to whoever asked, not remembered', async () => {
    const { directory, visibilities } = create();
    const failed = visibilities.of(roomId);
    directory.fail();
    await expect(failed).rejects.toThrow('down');
    const again = visibilities.of(roomId);
    directory.answer('public');
    expect(await again).toBe('public');
  });

  test('more rooms than there is space for -> the oldest is asked for again', async () => {
    const { directory, visibilities } = create({ maxBytes: 512 });
    for (const room of ['!a', '!b', '!c'] as RoomId[]) {
      const answer = visibilities.of(room);
      directory.answer('public');
      await answer;
    }
    expect(visibilities.peek('!a' as RoomId)).toBeUndefined();
    expect(visibilities.peek('!c' as RoomId)).toBe('public');
  });
});
