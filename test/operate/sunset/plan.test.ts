import { describe, expect, test } from 'vitest';
import { createSunsetPlan, type SunsetSettings } from '../../../src/operate/sunset/plan.ts';
import { createSunset } from '../../../src/operate/sunset/sunset.ts';

const at = (text: string): number => Date.parse(text);
const SETTINGS: SunsetSettings = {
  deprecatedSince: new Map([
    ['events', at('2026-01-01')],
    ['r0', at('2026-06-01')],
  ]),
  sunsetOn: new Map([['r0', at('2027-06-01')]]),
  sunsetLink: 'https://example.org/old',
  sunsetAnswer: 'refuse',
  sunsetWords: 'It ends.',
  brownout: undefined,
};

describe('the plan', () => {
  const plan = createSunsetPlan({ ...SETTINGS, brownout: { cron: '30 9 * * 2', lengthMs: 600_000 } });

  test.each([
    { now: '2027-05-31T23:59:59Z', expected: undefined },
    { now: '2027-06-01T00:00:00Z', expected: { why: 'ended' } },
    // Tuesdays.
    { now: '2026-12-01T09:29:59Z', expected: undefined },
    { now: '2026-12-01T09:30:00Z', expected: { why: 'brownout', until: at('2026-12-01T09:40:00Z') } },
    { now: '2026-12-01T09:39:59Z', expected: { why: 'brownout', until: at('2026-12-01T09:40:00Z') } },
    { now: '2026-12-01T09:40:00Z', expected: undefined },
    { now: '2026-12-02T09:35:00Z', expected: undefined },
    { now: '2026-12-08T09:35:00Z', expected: { why: 'brownout', until: at('2026-12-08T09:40:00Z') } },
  ])('r0 at $now -> $expected', ({ now, expected }) => {
    expect(plan.refusalAt('r0', at(now))).toEqual(expected);
    expect(plan.refusalAt('events', at(now))).toBeUndefined();
  });

  test('served on after a sunset -> never refused for it', () => {
    const served = createSunsetPlan({ ...SETTINGS, sunsetAnswer: 'serve' });
    expect(served.refusalAt('r0', at('2030-01-01'))).toBeUndefined();
  });

  test('brownouts that overlap -> one goes on', () => {
    const often = createSunsetPlan({ ...SETTINGS, brownout: { cron: '* * * * *', lengthMs: 120_000 } });
    for (const now of ['2026-12-01T09:30:00Z', '2026-12-01T09:30:59Z', '2026-12-01T09:35:30Z'])
      expect(often.refusalAt('r0', at(now))).toMatchObject({ why: 'brownout' });
  });

  test('the next brownout -> as long as there is something to refuse', () => {
    expect(plan.nextBrownout(at('2026-12-01T09:35:00Z'))).toBe(at('2026-12-08T09:30:00Z'));
    expect(plan.nextBrownout(at('2027-07-01'))).toBeUndefined();
  });
});

describe('the headers', () => {
  const make = (settings: Partial<SunsetSettings> = {}) =>
    createSunset(
      { ...SETTINGS, ...settings },
      { clock: { now: () => at('2026-12-01') }, logger: { warn: () => {} } },
    );

  test('of one feature -> its dates, and where to read more', () => {
    expect(make()?.headersFor(['r0'])).toEqual([
      'Deprecation',
      '@1780272000',
      'Sunset',
      'Tue, 01 Jun 2027 00:00:00 GMT',
      'Link',
      '<https://example.org/old>; rel="deprecation"',
      'Link',
      '<https://example.org/old>; rel="sunset"',
    ]);
  });

  test('of several -> the earliest dates', () => {
    expect(make({ sunsetLink: undefined })?.headersFor(['events', 'r0'])).toEqual([
      'Deprecation',
      '@1767225600',
      'Sunset',
      'Tue, 01 Jun 2027 00:00:00 GMT',
    ]);
  });

  test('of none that has a date -> none', () => {
    expect(make()?.headersFor(['query-token', 'peek-events'])).toEqual([]);
    expect(make({ deprecatedSince: new Map(), sunsetOn: new Map() })).toBeUndefined();
  });
});
