// What operators see and decide, put together: the usage report, the sunset, compare mode, the doctor's visits.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { Milliseconds } from '../matrix/identifiers.ts';
import type { Clock } from '../scheduling/clock.ts';
import { ask, jsonOf } from './ask.ts';
import { createCompareMode, type CompareModeOptions } from './compare-mode/compare-mode.ts';
import type { ComparedRequest } from './compare-mode/question.ts';
import { createFindings } from './compare-mode/findings.ts';
import { createSampleKeeper } from './compare-mode/samples.ts';
import { createProbes } from './doctor/probes.ts';
import { countRequest } from './metrics-routes.ts';
import type { Metrics } from './metrics.ts';
import { senderOf, type UserOf } from './sender.ts';
import { applySunset } from './sunset/apply.ts';
import type { SunsetSettings } from './sunset/plan.ts';
import { createSunset } from './sunset/sunset.ts';
import { createUsageCounter, type CountedRequest } from './usage/counter.ts';
import { usageRoutes } from './usage/routes.ts';
import { keepUsageIn } from './usage/usage-file.ts';
import { createUsage } from './usage/usage.ts';

export interface OperationSettings extends SunsetSettings {
  trustedProxies: readonly string[];
  usageFile: string | undefined;
  usageUserIds: boolean;
  compare: 'off' | 'shadow' | 'native';
  compareShare: number;
  compareSamplesDir: string | undefined;
}

export interface OperationOptions extends Pick<
  CompareModeOptions,
  'passOn' | 'askNative' | 'isOwnToken' | 'forwardedForOf'
> {
  settings: OperationSettings;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
  userOf: UserOf;
}

export interface Operation {
  /**
   * Sees every request of clients before it is answered, with the label of its route. Counts it when it ends; throws where
   * it is refused; may answer it, so that nobody else does.
   */
  readonly onRequest: (label: string, request: FastifyRequest, reply: FastifyReply) => void;
  /** Registers what stands on the internal listener beside health and metrics. */
  readonly routes: (internal: FastifyInstance) => Promise<void>;
  /** `ownUrl` is where clients reach this gateway, once it listens. */
  start(): Promise<void>;
  listensAt(ownUrl: string): void;
  /** Nothing new is begun. */
  drain(): void;
  /** When the last request has ended. */
  end(): Promise<void>;
}

const OWN_DEADLINE_MS = 60_000;

/** Builds it; what is not configured costs nothing. */
export function createOperation(options: OperationOptions): Operation {
  const { settings, clock, logger, metrics, userOf } = options;
  const usage = createUsage({ clock, keepsUsers: settings.usageUserIds });
  const usageFile =
    settings.usageFile === undefined ? undefined : keepUsageIn(settings.usageFile, { usage, logger });
  const noteUse = createUsageCounter({ usage, userOf, onCounted: metrics.legacyRequest });
  const probes = createProbes({ ...settings, clock });
  const findings = createFindings(clock);
  const sunset = createSunset(settings, { clock, logger });
  for (const [feature, { sunsetOn }] of sunset?.plan.features ?? [])
    if (sunsetOn !== undefined) metrics.sunsetOn(feature, sunsetOn);
  const refuse = sunset && applySunset(sunset);
  const onFinished = (request: CountedRequest, durationMs: Milliseconds): void => {
    metrics.requestFinished(request, durationMs);
    noteUse(request);
  };
  let ownUrl: string | undefined;
  const { compare: mode } = settings;
  const compareMode =
    mode === 'off'
      ? undefined
      : createCompareMode({
          ...options,
          mode,
          share: settings.compareShare,
          findings,
          onCompared: metrics.compared,
          keepSample: createSampleKeeper(settings.compareSamplesDir, logger),
          askOurs: (request) => askOwn(ownUrl, request),
          userIdOf: (request) => senderOf(request, userOf).userId,
        });

  return {
    onRequest: (label, request, reply) => {
      if (probes.take(request, reply)) return;
      if (compareMode?.isOwn(request.raw) === true) return;
      countRequest(onFinished, label, request.raw, reply.raw);
      // What has ended is not asked of the homeserver either.
      refuse?.(label, request, reply);
      compareMode?.begins(label, request, reply);
    },
    routes: async (internal) => {
      await internal.register(probes.routes);
      await internal.register(usageRoutes, {
        usage,
        sunset: sunset && { ...settings, plan: sunset.plan },
        comparison: compareMode && { mode, findings },
        happenings: async () => ({
          shared_device_sessions: await metrics.counted('sharedDevices'),
          refused_rooms: await metrics.counted('refusedRooms'),
          differences: findings.total,
        }),
      });
    },
    start: async () => {
      await usageFile?.start();
      sunset?.start();
    },
    listensAt: (url) => {
      ownUrl = url;
    },
    drain: () => {
      sunset?.stop();
      compareMode?.stop();
    },
    end: async () => usageFile?.stop(),
  };
}

async function askOwn(ownUrl: string | undefined, { rawUrl, headers }: ComparedRequest): Promise<unknown> {
  if (ownUrl === undefined) return undefined;
  const answer = await ask({ origin: ownUrl, rawUrl, headers, deadlineMs: OWN_DEADLINE_MS }).catch(
    () => undefined,
  );
  return answer?.status === 200 ? jsonOf(answer.text) : undefined;
}
