import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../src/caches/sessions.ts';
import { createRoomWatch, type RoomWatch } from '../../src/follow/room-watch.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { FakeClock } from '../support/fake-clock.ts';

const room = '!room:test' as RoomId;
const FASTEST_MS = 100;
const SLOWEST_MS = 1000;

/** A room whose newest event is a number, and polls that wait for one beyond a position. */
class Room {
  newest = 0;
  readonly clock = new FakeClock();
  readonly watch: RoomWatch = createRoomWatch({
    maxBytes: 1 << 20,
    clock: this.clock,
    fastestMs: FASTEST_MS,
    slowestMs: SLOWEST_MS,
  });
  /** Who probed, in order. */
  readonly probed: string[] = [];
  readonly woken: string[] = [];

  wait(session: string, position: number, probe?: () => Promise<boolean>): void {
    const watcher = {
      session: session as SessionKey,
      probe: async () => {
        this.probed.push(session);
        return probe === undefined ? this.newest > position : probe();
      },
    };
    void this.watch
      .wait(room, watcher, 60_000, new AbortController().signal)
      .then(() => this.woken.push(session));
  }
}

describe('waiting for news of a room', () => {
  test('an event -> everybody who waits is woken', async () => {
    const watched = new Room();
    watched.wait('a', 0);
    watched.wait('b', 0);
    watched.newest = 1;
    await watched.clock.pass(FASTEST_MS);
    expect(watched.woken).toEqual(['a', 'b']);
  });

  test('silence -> one probe a period, and ever longer periods', async () => {
    const watched = new Room();
    for (const session of ['a', 'b', 'c']) watched.wait(session, 0);
    await watched.clock.pass(FASTEST_MS);
    expect(watched.probed).toHaveLength(1);
    await watched.clock.pass(60_000 - FASTEST_MS - 1);
    expect(watched.probed.length).toBeLessThan(75);
    expect(watched.probed.length).toBeGreaterThan(50);
  });

  test('one session with sixty polls -> no more turns than a session with one', async () => {
    const watched = new Room();
    watched.wait('honest', 0);
    for (let poll = 0; poll < 60; poll += 1) watched.wait('crowd', 0);
    watched.wait('other', 0);
    await watched.clock.pass(8000);
    const others = watched.probed.filter((_, index) => index % 2 === 1);
    expect(others.slice(0, 6)).toEqual(['crowd', 'other', 'crowd', 'other', 'crowd', 'other']);
  });

  test('"no news" of one who came later -> the period stays as it was', async () => {
    const watched = new Room();
    watched.wait('first', 0);
    watched.wait('later', 9);
    await watched.clock.pass(FASTEST_MS);
    await watched.clock.pass(FASTEST_MS * 1.5);
    expect(watched.probed).toEqual(['first', 'later']);
    await watched.clock.pass(FASTEST_MS * 1.5);
    expect(watched.probed).toEqual(['first', 'later', 'first']);
  });

  test('polls of others with a later position -> news reach who waits longest within two periods', async () => {
    const watched = new Room();
    watched.wait('honest', 0);
    for (let poll = 0; poll < 60; poll += 1) watched.wait(`ahead${poll}`, 1_000_000);
    await watched.clock.pass(10_000);
    expect(watched.woken).toEqual([]);
    watched.newest = 1;
    await watched.clock.pass(2 * SLOWEST_MS);
    expect(watched.woken).toContain('honest');
  });

  test('a probe that fails -> wakes its own poll alone', async () => {
    const watched = new Room();
    watched.wait('refused', 0, () => Promise.reject(new Error('403')));
    watched.wait('other', 0);
    await watched.clock.pass(FASTEST_MS);
    expect(watched.woken).toEqual(['refused']);
  });

  test('the oldest sees nothing any more, without being told -> the others are woken in their turns', async () => {
    const watched = new Room();
    watched.wait('blind', 0, async () => false);
    watched.wait('other', 0);
    watched.newest = 1;
    await watched.clock.pass(2 * SLOWEST_MS);
    expect(watched.woken).toContain('other');
  });

  test('announced -> all are woken at once', async () => {
    const watched = new Room();
    watched.wait('a', 0);
    watched.wait('b', 0);
    watched.watch.announce(room);
    await watched.clock.pass(0);
    expect(watched.woken).toEqual(['a', 'b']);
    expect(watched.probed).toEqual([]);
  });
});

describe('news that are made through the gateway', () => {
  test('in a room that was silent for ten minutes -> everybody is woken at once', async () => {
    const watched = new Room();
    await silence(watched, 600_000);
    watched.newest = 1;
    watched.watch.expect(room);
    await watched.clock.pass(0);
    expect(watched.woken).toContain('a');
  });

  test('that show a moment later -> are found soon, without the period', async () => {
    const watched = new Room();
    await silence(watched, 600_000);
    watched.watch.expect(room);
    await watched.clock.pass(0);
    watched.newest = 1;
    await watched.clock.pass(200);
    expect(watched.woken).toContain('a');
  });

  test('that were made while a client looked by itself -> are found when it waits', async () => {
    const watched = new Room();
    await silence(watched, 600_000);
    watched.newest = 1;
    watched.watch.expect(room);
    await watched.clock.pass(0);
    // It has seen the first one; the next one is not visible yet when it looks.
    watched.watch.expect(room);
    watched.wait('a', 1);
    watched.newest = 2;
    watched.woken.splice(0);
    await watched.clock.pass(450);
    expect(watched.woken).toContain('a');
  });

  test('a thousand at once -> a few probes', async () => {
    const watched = new Room();
    await silence(watched, 60_000);
    watched.probed.splice(0);
    for (let i = 0; i < 1000; i += 1) watched.watch.expect(room);
    await watched.clock.pass(500);
    expect(watched.probed.length).toBeLessThanOrEqual(8);
  });

  test('in any room -> a silent room is probed at once', async () => {
    const watched = new Room();
    await silence(watched, 600_000);
    watched.newest = 1;
    watched.watch.expect('any');
    await watched.clock.pass(0);
    expect(watched.woken).toContain('a');
  });

  test('in any room, all the time, and never in this one -> one probe more a period', async () => {
    const watched = new Room();
    await silence(watched, 60_000);
    watched.probed.splice(0);
    for (let second = 0; second < 120; second += 1) {
      watched.watch.expect('any');
      await watched.clock.pass(1000);
    }
    const [periods, burst] = [120, 6];
    expect(watched.probed.length).toBeLessThanOrEqual(2 * periods + burst);
  });

  test('are how news are found -> the period is a third; a period that finds some itself -> as it was', async () => {
    const probesIn = async (watched: Room, durationMs: number): Promise<number> => {
      watched.probed.splice(0);
      await silence(watched, durationMs);
      return watched.probed.length;
    };
    const watched = new Room();
    await silence(watched, 60_000);
    const before = await probesIn(watched, 30_000);
    watched.newest += 1;
    watched.watch.expect(room);
    await silence(watched, 60_000);
    expect(await probesIn(watched, 30_000)).toBeLessThan(before / 2);
    watched.newest += 1;
    await silence(watched, 60_000);
    expect(await probesIn(watched, 30_000)).toBeGreaterThan(before / 2);
  });
});

/** `a` waits again and again, from the newest position. */
async function silence(watched: Room, durationMs: number): Promise<void> {
  for (let passed = 0; passed < durationMs; passed += 1000) {
    if (passed === 0 || watched.woken.splice(0).length > 0) watched.wait('a', watched.newest);
    await watched.clock.pass(1000);
  }
}
