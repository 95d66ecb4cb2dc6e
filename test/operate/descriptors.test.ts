import { expect, test } from 'vitest';
import { readDescriptorLimit, shareDescriptors } from '../../src/operate/descriptors.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             95804                95804                processes
Max open files            1024                 524288               files
`;

test('what Linux says -> the soft limit', () => {
  expect(readDescriptorLimit(() => LIMITS)).toBe(1024);
});

test.each([
  { name: 'no such file', read: () => Promise.reject as never },
  { name: 'unlimited', read: () => LIMITS.replace('1024  ', 'unlimited') },
])('$name -> no bound', ({ read }) => {
  expect(readDescriptorLimit(read)).toBe(Infinity);
});

test.each([
  { limit: Infinity, clients: Infinity },
  { limit: 1_048_576, clients: 524_256 },
  { limit: 1024, clients: 480 },
  { limit: 300, clients: 118 },
  { limit: 40, clients: 16 },
])('$limit -> $clients for clients, as many for the homeserver', ({ limit, clients }) => {
  expect(shareDescriptors(limit)).toEqual({ clients, homeserver: clients });
});
