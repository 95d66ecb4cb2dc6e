// What the end of the old API means for a request: headers that say so (RFC 9745, RFC 8594), and in the end a refusal.

import type { Logger } from 'pino';
import type { Clock } from '../../scheduling/clock.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { FeatureId } from '../../matrix/legacy-features.ts';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { createSunsetPlan, type FeaturePlan, type SunsetPlan, type SunsetSettings } from './plan.ts';

export interface Sunset {
  readonly plan: SunsetPlan;
  /** Returns the headers that an answer has for these features, in pairs; empty where there is nothing to say. */
  headersFor(features: readonly FeatureId[]): string[];
  /** Why a request that uses these features is refused now; undefined where it is served. */
  refusalFor(features: readonly FeatureId[]): MatrixError | undefined;
  /** Says in the log when a brownout begins and ends, until it is stopped. */
  start(): void;
  stop(): void;
}

const LOOK_EVERY_MS: Milliseconds = 10_000;

/** Builds it; undefined where no feature has a date, so that nothing is looked at. */
export function createSunset(
  settings: SunsetSettings,
  { clock, logger }: { clock: Pick<Clock, 'now'>; logger: Pick<Logger, 'warn'> },
): Sunset | undefined {
  const plan = createSunsetPlan(settings);
  if (plan.features.size === 0) return undefined;
  const { sunsetWords, sunsetLink } = settings;
  const words = sunsetLink === undefined ? sunsetWords : `${sunsetWords} ${sunsetLink}`;
  const headers = new Map([...plan.features].map(([id, feature]) => [id, feature]));
  let timer: NodeJS.Timeout | undefined;
  let isBrown = false;

  function look(): void {
    const brownout = plan.brownoutAt(clock.now());
    if (isBrown === (brownout !== undefined)) return;
    isBrown = brownout !== undefined;
    if (brownout === undefined) logger.warn('the brownout has ended');
    else
      logger.warn(
        { until: new Date(brownout.until).toISOString() },
        'a brownout has begun: features whose sunset is ahead are refused until it ends',
      );
  }

  return {
    plan,
    headersFor: (features) =>
      toHeaders(
        features.map((id) => headers.get(id)).filter((feature) => feature !== undefined),
        sunsetLink,
      ),
    refusalFor: (features) => {
      const now = clock.now();
      for (const id of features) {
        const refusal = plan.refusalAt(id, now);
        if (refusal?.why === 'ended') return new MatrixError(410, 'M_UNRECOGNIZED', words);
        if (refusal?.why === 'brownout')
          return new MatrixError(503, 'M_UNKNOWN', words, { retry_after_ms: refusal.until - now });
      }
      return undefined;
    },
    start: () => {
      look();
      timer = setInterval(look, LOOK_EVERY_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}

/** The earliest dates of several features, as header pairs. */
function toHeaders(features: readonly FeaturePlan[], link: string | undefined): string[] {
  if (features.length === 0) return [];
  const deprecatedSince = earliest(features.map((feature) => feature.deprecatedSince));
  const sunsetOn = earliest(features.map((feature) => feature.sunsetOn));
  const headers: string[] = [];
  if (deprecatedSince !== undefined) headers.push('Deprecation', `@${Math.floor(deprecatedSince / 1000)}`);
  if (sunsetOn !== undefined) headers.push('Sunset', new Date(sunsetOn).toUTCString());
  if (link !== undefined) {
    if (deprecatedSince !== undefined) headers.push('Link', `<${link}>; rel="deprecation"`);
    if (sunsetOn !== undefined) headers.push('Link', `<${link}>; rel="sunset"`);
  }
  return headers;
}

const earliest = (moments: readonly (Milliseconds | undefined)[]): Milliseconds | undefined =>
  moments.reduce(
    (one, other) => (one === undefined || (other !== undefined && other < one) ? other : one),
    undefined,
  );
