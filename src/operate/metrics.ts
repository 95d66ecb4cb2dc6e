import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { COUNTERS, createCacheEvents, createSeries, GAUGES, watchCacheBytes } from './metric-series.ts';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { prefixOf } from './prefix.ts';

export interface FinishedRequest {
  /** The label of the route that answered, or `passthrough`. */
  endpoint: string;
  /** The URL as it was sent; only its prefix is kept. */
  rawUrl: string;
  method: string;
  /** 0 where the client left before an answer began. */
  status: number;
}

/** Counts what happens. No label ever holds an id, a path or a token: each has a closed set of values. */
export interface Metrics {
  requestFinished(request: FinishedRequest, durationMs: Milliseconds): void;
  /** A call of our own to the homeserver: its name in the port; status 0 without an answer. */
  homeserverCallFinished(call: string, durationMs: Milliseconds, status: number): void;
  /** Is told whether the remainder of a catch-up token was at hand, or was built anew. */
  remainderFound(how: 'hit' | 'rebuilt'): void;
  /** Something happened that an operator may want to know of. */
  count(what: keyof typeof COUNTERS): void;
  /** How often that was, since the start. */
  counted(what: keyof typeof COUNTERS): Promise<number>;
  /** A request used something of the old API: both from closed lists. */
  legacyRequest(feature: string, prefix: string): void;
  /** Compare mode has looked at an answer: both from closed lists. */
  compared(endpoint: string, outcome: string): void;
  /** A feature of the old API ends at that moment, since 1970. */
  sunsetOn(feature: string, moment: Milliseconds): void;
  /** Something that can be counted at any moment; read whenever somebody looks at the metrics. */
  watch(gauge: 'parkedPolls' | 'initialSyncsRunning' | 'initialSyncsQueued', read: () => number): void;
  watchCacheBytes(cache: string, read: () => number): void;
  /** Returns all of it in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** A set of metrics of its own: nothing is global, so that each app and each test counts for itself. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'hindsync_' });
  const registers = [registry];

  const { requests, calls, legacyRequests, comparisons, sunsets } = createSeries(registers);
  const cacheEvents = createCacheEvents(registers);
  const cacheBytes = watchCacheBytes(registry);
  const counters = {
    refusedRooms: new Counter({ ...COUNTERS.refusedRooms, registers }),
    sharedDevices: new Counter({ ...COUNTERS.sharedDevices, registers }),
    peekProbes: new Counter({ ...COUNTERS.peekProbes, registers }),
    stalledReaders: new Counter({ ...COUNTERS.stalledReaders, registers }),
  };

  return {
    requestFinished: ({ endpoint, rawUrl, method, status }, durationMs) => {
      const labels = {
        endpoint,
        prefix: prefixOf(rawUrl),
        method: methodOf(method),
        status: statusOf(status),
      };
      requests.observe(labels, durationMs / 1000);
    },
    homeserverCallFinished: (call, durationMs, status) => {
      calls.observe({ call, status: statusOf(status) }, durationMs / 1000);
    },
    remainderFound: (how) => {
      for (const event of CACHE_EVENTS[how]) cacheEvents[event].inc({ cache: 'session-cursors' });
    },
    count: (what) => counters[what].inc(),
    counted: async (what) => (await counters[what].get()).values[0]?.value ?? 0,
    compared: (endpoint, outcome) => comparisons.inc({ endpoint, outcome }),
    sunsetOn: (feature, moment) => sunsets.set({ feature }, moment / 1000),
    legacyRequest: (feature, prefix) => legacyRequests.inc({ feature, prefix }),
    watch: (gauge, read) => {
      const collect = function (this: Gauge): void {
        this.set(read());
      };
      registry.registerMetric(new Gauge({ ...GAUGES[gauge], registers: [], collect }));
    },
    watchCacheBytes: (cache, read) => void cacheBytes.set(cache, read),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

const CACHE_EVENTS = { hit: ['hits'], rebuilt: ['misses', 'rebuilds'] } as const;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']);

// OpenTelemetry's word for all the rest, of which a client can make up any number.
const methodOf = (method: string): string => (METHODS.has(method) ? method : '_OTHER');

const statusOf = (status: number): string =>
  status === 0 || (Number.isInteger(status) && status >= 100 && status <= 599) ? String(status) : '_OTHER';
