import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CACHE_SHARES, shareOf, type CacheName } from '../../src/caches/shares.ts';

const names = Object.keys(CACHE_SHARES) as CacheName[];
const sizes = [1 << 20, 64 << 20, 2 ** 40];

/** Files that hold a part of what is named as another one. */
const PARTS: Record<string, CacheName> = { 'event-index': 'event-rooms' };

describe('the shares of cache_size', () => {
  test.each(sizes)('of %d bytes -> sum up to all of it, and not to more', (cacheSize) => {
    const sum = names.reduce((bytes, name) => bytes + shareOf(name, cacheSize), 0);
    expect(sum).toBe(cacheSize);
  });

  test('every file that makes a cache -> has a share, and the other way round', () => {
    const files = globSync('src/**/*.ts').filter((path) => !/^src\/(sandbox|demo)\//.test(path));
    const holding = files.filter((path) =>
      /new LRUCache|new Uint32Array\(capacity/.test(readFileSync(path, 'utf8')),
    );
    const held = new Set(holding.map((path) => basename(path, '.ts')).map((name) => PARTS[name] ?? name));
    expect([...held].toSorted()).toEqual(names.toSorted());
  });

  test('every cache -> bounded by bytes, not by a number of its own', () => {
    const files = globSync('src/**/*.ts').filter((path) => !/^src\/(sandbox|demo)\//.test(path));
    const texts = files
      .map((path) => readFileSync(path, 'utf8'))
      .filter((text) => text.includes('new LRUCache'));
    for (const text of texts) {
      const caches = text.split('new LRUCache').slice(1);
      for (const cache of caches) expect(cache.slice(0, 250)).toMatch(/max: entriesIn\(|maxSize|\{ max, ttl/);
    }
  });
});
