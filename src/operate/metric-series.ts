import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

type Registers = Registry[];

/** Builds what has labels, each in these registers. */
export function createSeries(registers: Registers) {
  return {
    requests: new Histogram({
      name: 'hindsync_http_request_duration_seconds',
      help: 'Answered requests of clients, from their first byte to the last of the answer.',
      labelNames: ['endpoint', 'prefix', 'method', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30, 60, 300],
      registers,
    }),
    calls: new Histogram({
      name: 'hindsync_homeserver_call_duration_seconds',
      help: "Hindsync's own calls to the homeserver, until the answer's head (status 0: none came).",
      labelNames: ['call', 'status'],
      buckets: [0.005, 0.025, 0.1, 0.5, 2.5, 10, 30, 60, 300],
      registers,
    }),
    legacyRequests: new Counter({
      name: 'hindsync_legacy_requests_total',
      help: 'Requests that used something of the old API, by feature and by the prefix that was asked.',
      labelNames: ['feature', 'prefix'],
      registers,
    }),
    comparisons: new Counter({
      name: 'hindsync_comparisons_total',
      help: 'Answers that compare mode has looked at, by endpoint and by what came of it.',
      labelNames: ['endpoint', 'outcome'],
      registers,
    }),
    sunsets: new Gauge({
      name: 'hindsync_sunset_timestamp_seconds',
      help: 'When a feature of the old API ends, in seconds since 1970; only those with a date in sunset_on.',
      labelNames: ['feature'],
      registers,
    }),
  };
}

/** Builds the counters of caches' look-ups. */
export function createCacheEvents(registers: Registers) {
  const counter = (what: string, help: string): Counter<'cache'> =>
    new Counter({ name: `hindsync_cache_${what}_total`, help, labelNames: ['cache'], registers });
  return {
    hits: counter('hits', 'Look-ups that found what they looked for.'),
    misses: counter('misses', 'Look-ups that did not.'),
    rebuilds: counter('rebuilds', 'Times that what was missing was asked for anew.'),
  };
}

/** Shows how much each cache remembers, by its name; it is read whenever somebody looks. */
export function watchCacheBytes(registry: Registry): Map<string, () => number> {
  const cacheBytes = new Map<string, () => number>();
  const bytes = new Gauge({
    name: 'hindsync_cache_bytes',
    help: 'What is remembered now, by cache.',
    labelNames: ['cache'],
    registers: [],
    collect() {
      for (const [cache, read] of cacheBytes) this.set({ cache }, read());
    },
  });
  registry.registerMetric(bytes);
  return cacheBytes;
}

/** Counters that stand alone, without labels. */
export const COUNTERS = {
  refusedRooms: {
    name: 'hindsync_refused_rooms_total',
    help: 'Rooms of a catch-up that could not be read (banned, forgotten, purged, or failing for long).',
  },
  sharedDevices: {
    name: 'hindsync_shared_device_sessions_total',
    help: 'Sessions whose access token is used by an old client and a modern one at once.',
  },
  peekProbes: {
    name: 'hindsync_peek_probes_total',
    help: 'Times that the homeserver was asked whether a room that somebody looks into has news.',
  },
  stalledReaders: {
    name: 'hindsync_stalled_readers_total',
    help: 'Answers that were cut as their client took no byte for stalled_reader.',
  },
};

/** Gauges: each can be counted at any moment. */
export const GAUGES = {
  parkedPolls: { name: 'hindsync_parked_polls', help: 'Long polls that wait now.' },
  initialSyncsRunning: { name: 'hindsync_initial_syncs_running', help: 'Initial syncs being answered now.' },
  initialSyncsQueued: {
    name: 'hindsync_initial_syncs_queued',
    help: 'Initial syncs that wait for their turn.',
  },
};
