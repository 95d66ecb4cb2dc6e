// Which feature ends when, and when it is refused for a while so that people notice.

import { Cron } from 'croner';
import { endingFeatureIds, type FeatureId } from '../../matrix/legacy-features.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';

export interface SunsetSettings {
  deprecatedSince: ReadonlyMap<FeatureId, Milliseconds>;
  sunsetOn: ReadonlyMap<FeatureId, Milliseconds>;
  /** A page that tells people more. */
  sunsetLink: string | undefined;
  /** Says what happens from the day of a sunset on. */
  sunsetAnswer: 'serve' | 'refuse';
  /** The words of a refusal, for people. */
  sunsetWords: string;
  brownout: { cron: string; lengthMs: Milliseconds } | undefined;
}

/** A feature's own dates. */
export interface FeaturePlan {
  deprecatedSince: Milliseconds | undefined;
  sunsetOn: Milliseconds | undefined;
}

export interface SunsetPlan {
  /** Those with a date. */
  readonly features: ReadonlyMap<FeatureId, FeaturePlan>;
  /** `ended`: refused for good. `brownout`: refused for a while. Undefined: served. */
  refusalAt(
    feature: FeatureId,
    now: Milliseconds,
  ): { why: 'ended' } | { why: 'brownout'; until: Milliseconds } | undefined;
  /** The brownout that goes on at a moment. */
  brownoutAt(now: Milliseconds): { from: Milliseconds; until: Milliseconds } | undefined;
  /** When the next one begins; undefined where there is none, or nothing left that it would refuse. */
  nextBrownout(now: Milliseconds): Milliseconds | undefined;
}

/**
 * The settings → what holds at any moment.
 *
 * A brownout is for features that have a sunset before them. Times of day are UTC.
 */
export function createSunsetPlan(settings: SunsetSettings): SunsetPlan {
  const features = new Map<FeatureId, FeaturePlan>();
  for (const id of endingFeatureIds) {
    const [deprecatedSince, sunsetOn] = [settings.deprecatedSince.get(id), settings.sunsetOn.get(id)];
    if (deprecatedSince !== undefined || sunsetOn !== undefined)
      features.set(id, { deprecatedSince, sunsetOn });
  }
  const { brownout } = settings;
  const cron = brownout && new Cron(brownout.cron, { timezone: 'UTC' });
  const startAfter = (moment: Milliseconds): Milliseconds | undefined =>
    cron?.nextRun(new Date(moment))?.getTime();
  /** The first start after the last moment that was looked at: what is asked for at every request must cost nothing. */
  let known: { lookedAt: Milliseconds; from: Milliseconds; next: Milliseconds } | undefined;

  function brownoutAt(now: Milliseconds): { from: Milliseconds; until: Milliseconds } | undefined {
    if (brownout === undefined) return undefined;
    if (known === undefined || now >= known.next || now < known.lookedAt) {
      let from = -Infinity;
      let next = startAfter(now - brownout.lengthMs) ?? Infinity;
      while (next <= now) [from, next] = [next, startAfter(next) ?? Infinity];
      known = { lookedAt: now, from, next };
    }
    const until = known.from + brownout.lengthMs;
    return now < until ? { from: known.from, until } : undefined;
  }

  const isAhead = (feature: FeatureId, now: Milliseconds): boolean => {
    const sunsetOn = features.get(feature)?.sunsetOn;
    return sunsetOn !== undefined && now < sunsetOn;
  };

  return {
    features,
    brownoutAt,
    refusalAt: (feature, now) => {
      const sunsetOn = features.get(feature)?.sunsetOn;
      if (sunsetOn === undefined) return undefined;
      if (now >= sunsetOn) return settings.sunsetAnswer === 'refuse' ? { why: 'ended' } : undefined;
      const until = brownoutAt(now)?.until;
      return until === undefined ? undefined : { why: 'brownout', until };
    },
    nextBrownout: (now) =>
      [...features.keys()].some((feature) => isAhead(feature, now)) ? startAfter(now) : undefined,
  };
}
