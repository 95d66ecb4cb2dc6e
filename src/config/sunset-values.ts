// What the settings of the sunset can mean: dates of features, brownouts, a link, words for people.

import { Cron } from 'croner';
import { z } from 'zod';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { endingFeatureIds, type FeatureId } from '../matrix/legacy-features.ts';
import { DURATION_UNITS, inUnits, refuse, text, type ValueType } from './values.ts';

/** `FEATURE=DATE` with commas between, or a mapping in YAML → the features' moments; `all` names every feature. */
export const featureDates: ValueType<ReadonlyMap<FeatureId, Milliseconds>> = {
  schema: z
    .union([
      text.transform((given) => (given === 'none' ? [] : given.split(',').map((entry) => entry.split('=')))),
      z.record(z.string(), z.union([z.string(), z.date()])).transform((given) => Object.entries(given)),
    ])
    .transform((given, context) => {
      const dates = new Map<FeatureId, Milliseconds>();
      for (const [name = '', date = '', ...rest] of given) {
        const moment = date instanceof Date ? date.getTime() : readMoment(date.trim());
        const features =
          name.trim() === 'all' ? endingFeatureIds : endingFeatureIds.filter((id) => id === name.trim());
        if (features.length === 0 || moment === undefined || rest.length > 0) return refuse(context);
        for (const feature of features)
          if (name.trim() !== 'all' || !dates.has(feature)) dates.set(feature, moment);
      }
      return dates;
    }),
  expected: `FEATURE=DATE, separated by commas, with dates such as 2027-06-30 or 2027-06-30T12:00:00Z, and features of ${endingFeatureIds.join(', ')}, or all; or none`,
};

function readMoment(given: string): Milliseconds | undefined {
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?Z)?$/.test(given)) return undefined;
  const moment = Date.parse(given);
  return Number.isNaN(moment) ? undefined : moment;
}

/** `30 9 * * 2 for 10 min`: five fields of cron, and for how long → both. */
export const brownout: ValueType<{ cron: string; lengthMs: Milliseconds } | undefined> = {
  schema: text.transform((given, context) => {
    if (given === 'none') return undefined;
    const [, cron = '', length = ''] =
      /^(\S+(?: \S+){4}) for (\d[^,]{0,20})$/.exec(given.replaceAll(/\s+/g, ' ')) ?? [];
    const lengthMs = inUnits(length, DURATION_UNITS);
    return isCron(cron) && lengthMs >= 60_000 && lengthMs <= 60 * 60_000
      ? { cron, lengthMs }
      : refuse(context);
  }),
  expected:
    'minute, hour, day, month and weekday as in cron, in UTC, and a length from 1 to 60 min, such as "30 9 * * 2 for 10 min"; or none',
};

function isCron(given: string): boolean {
  try {
    return new Cron(given, { paused: true }).nextRun() !== null;
  } catch {
    return false;
  }
}

/** A link for people; the word `none` is undefined. */
export const link: ValueType<string | undefined> = {
  schema: text.transform((given, context) => {
    if (given === 'none') return undefined;
    // Nothing that would end a header's value, or its <…>.
    return /^https?:\/\/[\x21\x23-\x3b\x3d\x3f-\x7e]+$/.test(given) && URL.canParse(given)
      ? given
      : refuse(context);
  }),
  expected: 'a URL such as https://example.org/old-clients; or none',
};

/** A sentence or two. */
export const words: ValueType<string> = {
  schema: text.transform((given, context) => (given !== '' && given.length <= 500 ? given : refuse(context))),
  expected: 'at most 500 characters',
};
