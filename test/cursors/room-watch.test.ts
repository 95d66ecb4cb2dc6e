import { describe, expect, test } from 'vitest';
import type { SessionKey } from '../../src/caches/sessions.ts';
import { createRoomWatch, type RoomWatch } from '../../src/cursors/room-watch.ts';
import type { RoomId } from '../../src/matrix/identifiers.ts';
import { ManualClock } from '../manual-clock.ts';

const room = '!room:test' as RoomId;
const FASTEST_MS = 100;
const SLOWEST_MS = 1000;

/** A room whose newest event is a number, and polls that wait for one beyond a position. */
class Room {
  newest = 0;
  readonly clock = new ManualClock();
  readonly watch: RoomWatch = createRoomWatch({
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
    await watched.clock.advance(FASTEST_MS);
    expect(watched.woken).toEqual(['a', 'b']);
  });

  test('silence -> one probe a period, and ever longer periods', async () => {
    const watched = new Room();
    for (const session of ['a', 'b', 'c']) watched.wait(session, 0);
    await watched.clock.advance(FASTEST_MS);
    expect(watched.probed).toHaveLength(1);
    await watched.clock.advance(60_000 - FASTEST_MS - 1);
    expect(watched.probed.length).toBeLessThan(75);
    expect(watched.probed.length).toBeGreaterThan(50);
  });

  test('one session with sixty polls -> no more turns than a session with one', async () => {
    const watched = new Room();
    watched.wait('honest', 0);
    for (let poll = 0; poll < 60; poll += 1) watched.wait('crowd', 0);
    watched.wait('other', 0);
    await watched.clock.advance(8000);
    const others = watched.probed.filter((_, index) => index % 2 === 1);
    expect(others.slice(0, 6)).toEqual(['crowd', 'other', 'crowd', 'other', 'crowd', 'other']);
  });

  test('"no news" of one who came later -> the period stays as it was', async () => {
    const watched = new Room();
    watched.wait('first', 0);
    watched.wait('later', 9);
    await watched.clock.advance(FASTEST_MS);
    await watched.clock.advance(FASTEST_MS * 1.5);
    expect(watched.probed).toEqual(['first', 'later']);
    await watched.clock.advance(FASTEST_MS * 1.5);
    expect(watched.probed).toEqual(['first', 'later', 'first']);
  });

  test('polls of others with a later position -> news reach who waits longest within two periods', async () => {
    const watched = new Room();
    watched.wait('honest', 0);
    for (let poll = 0; poll < 60; poll += 1) watched.wait(`ahead${poll}`, 1_000_000);
    await watched.clock.advance(10_000);
    expect(watched.woken).toEqual([]);
    watched.newest = 1;
    await watched.clock.advance(2 * SLOWEST_MS);
    expect(watched.woken).toContain('honest');
  });

  test('a probe that fails -> wakes its own poll alone', async () => {
    const watched = new Room();
    watched.wait('refused', 0, () => Promise.reject(new Error('403')));
    watched.wait('other', 0);
    await watched.clock.advance(FASTEST_MS);
    expect(watched.woken).toEqual(['refused']);
  });

  test('the oldest sees nothing any more, without being told -> the others are woken in their turns', async () => {
    const watched = new Room();
    watched.wait('blind', 0, async () => false);
    watched.wait('other', 0);
    watched.newest = 1;
    await watched.clock.advance(2 * SLOWEST_MS);
    expect(watched.woken).toContain('other');
  });

  test('announced -> all are woken at once', async () => {
    const watched = new Room();
    watched.wait('a', 0);
    watched.wait('b', 0);
    watched.watch.announce(room);
    await watched.clock.advance(0);
    expect(watched.woken).toEqual(['a', 'b']);
    expect(watched.probed).toEqual([]);
  });
});
