// What the page says of a feature's end.

import type { Milliseconds } from '../../matrix/identifiers.ts';
import type { FeatureId } from '../../matrix/legacy-features.ts';
import type { SunsetPlan, SunsetSettings } from '../sunset/plan.ts';
import { count, daysBetween } from './words.ts';

export interface ShownSunset extends Pick<SunsetSettings, 'sunsetAnswer'> {
  plan: SunsetPlan;
}

/** `deprecated since 2026-01-01; ends on 2027-06-30, in 211 days`; undefined for a feature without dates. */
export function sunsetInWords(
  sunset: ShownSunset | undefined,
  feature: FeatureId,
  now: string,
): string | undefined {
  const dates = sunset?.plan.features.get(feature);
  if (sunset === undefined || dates === undefined) return undefined;
  const { deprecatedSince, sunsetOn } = dates;
  const parts: string[] = [];
  if (deprecatedSince !== undefined)
    parts.push(
      `deprecated ${deprecatedSince <= Date.parse(now) ? 'since' : 'from'} ${dayIn(deprecatedSince)}`,
    );
  if (sunsetOn !== undefined) parts.push(endOf(sunsetOn, sunset, now));
  return parts.join('; ');
}

function endOf(sunsetOn: Milliseconds, { sunsetAnswer }: ShownSunset, now: string): string {
  const day = dayIn(sunsetOn);
  if (sunsetOn > Date.parse(now)) {
    const then = sunsetAnswer === 'refuse' ? 'refused' : 'to end';
    return `${then} from ${day}, in ${count(daysBetween(now, new Date(sunsetOn).toISOString()), 'day')}`;
  }
  return sunsetAnswer === 'refuse' ? `refused since ${day}` : `ended on ${day}, and served on`;
}

/** Says in words when the current brownout ends, or when the next one is. */
export function brownoutInWords(sunset: ShownSunset | undefined, now: string): string | undefined {
  const current = sunset?.plan.brownoutAt(Date.parse(now));
  if (current !== undefined) return `A brownout goes on until ${momentIn(current.until)}.`;
  const next = sunset?.plan.nextBrownout(Date.parse(now));
  return next === undefined ? undefined : `The next brownout begins at ${momentIn(next)}.`;
}

const dayIn = (moment: Milliseconds): string => new Date(moment).toISOString().slice(0, 10);
const momentIn = (moment: Milliseconds): string =>
  `${new Date(moment).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
