// The one table of settings. Flags, variables, the file, `--help` and docs/settings.md all come from it.

import { HOMESERVER_KINDS } from '../matrix/homeserver-kinds.ts';
import {
  count,
  duration,
  filePath,
  homeserverAddress,
  hostHeader,
  listenAddress,
  oneOf,
  onOrOff,
  pathPrefixes,
  percentage,
  proxyAddresses,
  size,
  type ValueType,
  wildcards,
} from './values.ts';
import { brownout, featureDates, link, words } from './sunset-values.ts';

export interface Setting<Value> {
  /** Its key in the file; the flag and the variable are made from it (`flagOf`, `variableOf`). */
  name: string;
  type: ValueType<Value>;
  /** The default as it would be written in the file; undefined where the setting must be given. */
  byDefault: string | undefined;
  /** Says what the setting does. */
  meaning: string;
  /** Says how its value is written, and in which unit. */
  value: string;
  /** A sentence: what switches it off, and what holds then; or that it cannot be off. */
  off: string;
}

export const SETTINGS = {
  homeserverUrl: {
    name: 'homeserver_url',
    type: homeserverAddress,
    byDefault: undefined,
    meaning:
      "The homeserver's client API: the only server that is ever contacted. TLS is verified. Must be given, unless the sandbox stands in for a homeserver.",
    value: 'http(s)://host:port or unix:/path',
    off: 'Cannot be off.',
  },
  listen: {
    name: 'listen',
    type: listenAddress,
    byDefault: '127.0.0.1:8009',
    meaning: 'Where clients, or the reverse proxy in front, connect.',
    value: 'host:port, port 0 for any free one',
    off: 'Cannot be off.',
  },
  internalListen: {
    name: 'internal_listen',
    type: listenAddress,
    byDefault: '127.0.0.1:9009',
    meaning: 'Health, readiness, metrics and the usage report. Not for clients: do not expose it.',
    value: 'host:port, port 0 for any free one',
    off: 'Cannot be off.',
  },
  logLevel: {
    name: 'log_level',
    type: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']),
    byDefault: 'info',
    meaning: 'The least important log lines that are written, to stderr: JSON, or pretty on a terminal.',
    value: 'fatal, error, warn, info, debug or trace',
    off: 'With silent nothing is written.',
  },
  homeserverKind: {
    name: 'homeserver_kind',
    type: oneOf(['auto', ...HOMESERVER_KINDS]),
    byDefault: 'auto',
    meaning: 'The kind of the homeserver, whose quirks are absorbed.',
    value: `${['auto', ...HOMESERVER_KINDS.slice(0, -1)].join(', ')} or ${HOMESERVER_KINDS.at(-1)}`,
    off: 'With auto it is recognised by its answers; one that is not is treated with most care.',
  },
  cacheSize: {
    name: 'cache_size',
    type: size({ least: '1 MiB', most: '1024 GiB' }),
    byDefault: '64 MiB',
    meaning: 'The bound of what is remembered between requests; losing all of it costs time, never events.',
    value: 'bytes, or with KiB, MiB, GiB',
    off: 'Cannot be off; the least is 1 MiB.',
  },
  passPaths: {
    name: 'pass_paths',
    type: pathPrefixes,
    byDefault: '/_matrix/,/_synapse/client/,/.well-known/matrix/,/health',
    meaning:
      'Paths that pass through to the homeserver, each with all below it; the rest is 404, so that nobody opens /_synapse/admin by putting Hindsync in front.',
    value: 'a list, separated by commas',
    off: 'Off with none: only what is answered here is served.',
  },
  trustedProxies: {
    name: 'trusted_proxies',
    type: proxyAddresses,
    byDefault: 'loopback',
    meaning: 'Whose X-Forwarded-* headers are believed; from anybody else they are replaced.',
    value: 'a list of addresses, networks, or loopback, linklocal, uniquelocal',
    off: 'Off with none: nobody is believed.',
  },
  mediaTokenFile: {
    name: 'media_token_file',
    type: filePath,
    byDefault: 'none',
    meaning:
      'A file with one access token, read once at start: with it old media are fetched for clients of media_token_networks that send no token. Dangerous, see "Old media without a token" in docs/operating.md.',
    value: 'a path; a relative one is seen from the working directory',
    off: 'Off with none: such requests pass unchanged.',
  },
  mediaTokenNetworks: {
    name: 'media_token_networks',
    type: proxyAddresses,
    byDefault: 'none',
    meaning: 'Whose requests for old media without a token are made with the one in media_token_file.',
    value: 'a list of addresses, networks, or loopback, linklocal, uniquelocal',
    off: 'Off with none. One of the two without the other is refused at start.',
  },
  v2AlphaSync: {
    name: 'v2_alpha_sync',
    type: oneOf(['draft', 'modern', 'draft-always']),
    byDefault: 'draft',
    meaning:
      'The shape of the answer of v2_alpha/sync: that of the drafts of 2015, or the modern one, which Synapse gave there from November 2015 to 2019. With draft a request with full_state or a filter as JSON is answered in the modern shape; with draft-always it is not.',
    value: 'draft, modern or draft-always',
    off: 'Cannot be off.',
  },
  v2AlphaModernClients: {
    name: 'v2_alpha_modern_clients',
    type: wildcards,
    byDefault: 'none',
    meaning: 'Whose requests to v2_alpha/sync are always answered in the modern shape, by their User-Agent.',
    value: 'a list of patterns for the whole of it, in which * stands for anything; capitals do not matter',
    off: 'Off with none.',
  },
  hostHeader: {
    name: 'host_header',
    type: hostHeader,
    byDefault: 'client',
    meaning:
      'Which Host all requests to the homeserver have, passed or our own, see "Hosts" in docs/operating.md: the one that the client asked for, the one of homeserver_url, or always the same.',
    value: 'client, homeserver_url, or a host name, with its port where that is not the usual one',
    off: 'Cannot be off.',
  },
  homeserverConnections: {
    name: 'homeserver_connections',
    type: count({ least: 8, most: 1_000_000 }),
    byDefault: '512',
    meaning:
      "Connections to the homeserver for all but long polls: a quarter is for Hindsync's own calls, and one client's address has at most half of the rest, and one access token an eighth. Further requests wait.",
    value: 'a number of connections',
    off: 'Cannot be off; where fewer files may be open, it is lowered.',
  },
  homeserverPolls: {
    name: 'homeserver_polls',
    type: count({ least: 8, most: 1_000_000 }),
    byDefault: '16384',
    meaning:
      "Connections to the homeserver for long polls, each of which holds one while it waits; one client's address has at most half of them for polls that pass through.",
    value: 'a number of connections',
    off: 'Cannot be off; where fewer files may be open, it is lowered.',
  },
  connectionWaitMs: {
    name: 'connection_wait',
    type: duration({ least: '100 ms', most: '1 h' }),
    byDefault: '30 s',
    meaning: 'How long a request waits for a connection to the homeserver before it is refused with 503.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 1 h.',
  },
  keepAliveTimeoutMs: {
    name: 'keep_alive_timeout',
    type: duration({ least: '1 s', most: '24 h' }),
    byDefault: '130 s',
    meaning:
      'How long a client, or the reverse proxy in front, may keep a connection open without a request: longer than the proxy keeps its own, which is 60 s for nginx, 90 s for Traefik, 120 s for Caddy, 600 s for some load balancers.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 24 h.',
  },
  eventsLimit: {
    name: 'events_limit',
    type: count({ least: 1, most: 10_000 }),
    byDefault: '500',
    meaning:
      'Room events in one answer of /events when the client names no limit; the rest comes with the next poll.',
    value: 'a number of events',
    off: 'Cannot be off; the most is 10000.',
  },
  maxPollTimeoutMs: {
    name: 'max_poll_timeout',
    type: duration({ least: '1 s', most: '24 h' }),
    byDefault: '10 min',
    meaning: 'The longest long poll; a client that asks for more gets an empty answer by then.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 24 h.',
  },
  pollsPerSession: {
    name: 'polls_per_session',
    type: count({ least: 1, most: 1_000_000, orOff: true }),
    byDefault: '4',
    meaning:
      'Long polls of a session that are followed at once; one more is looked at, then waits for the place of one that ends, or that has had its own for 30 s.',
    value: 'a number of polls',
    off: 'Off with off: any number.',
  },
  maxInitialSyncs: {
    name: 'max_initial_syncs',
    type: count({ least: 1, most: 1_000_000, orOff: true }),
    byDefault: '8',
    meaning:
      'Initial syncs that are answered at once, two of a session at most; further ones wait for their turn.',
    value: 'a number of requests',
    off: 'Off with off: any number.',
  },
  initialSyncQueueMs: {
    name: 'initial_sync_queue',
    type: duration({ least: '0 ms', most: '1 h' }),
    byDefault: '60 s',
    meaning: 'How long an initial sync waits for its turn before it is refused with 429.',
    value: 'milliseconds, or with s, min, h',
    off: 'Off with 0: refused at once.',
  },
  stalledReaderMs: {
    name: 'stalled_reader',
    type: duration({ least: '0 ms', most: '24 h' }),
    byDefault: '60 s',
    meaning:
      'How long a client may take no byte of an answer that is being sent; then its connection is reset, and what it held is free for others. A slow reader is none.',
    value: 'milliseconds, or with s, min, h',
    off: 'Off with 0: it is waited for.',
  },
  callDeadlineMs: {
    name: 'call_deadline',
    type: duration({ least: '1 s', most: '1 h' }),
    byDefault: '60 s',
    meaning: "How long an ordinary call of Hindsync's own to the homeserver may take.",
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 1 h.',
  },
  passDeadlineMs: {
    name: 'pass_deadline',
    type: duration({ least: '1 s', most: '24 h' }),
    byDefault: '10 min',
    meaning:
      'How long the homeserver may take before it begins to answer a request that passes through; joining a large room over federation takes minutes. Long polls have no such deadline.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 24 h.',
  },
  answerIdleMs: {
    name: 'answer_idle',
    type: duration({ least: '1 s', most: '24 h' }),
    byDefault: '60 s',
    meaning:
      'How long the homeserver may send nothing in the midst of an answer before the answer is cut, while the client would take more; of a long poll, on top of what the client is ready to wait.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 24 h.',
  },
  peekFastestMs: {
    name: 'peek_fastest',
    type: duration({ least: '50 ms', most: '10 min' }),
    byDefault: '1 s',
    meaning: 'How often a room that somebody looks into is asked for news, right after activity.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the least is 50 ms.',
  },
  peekSlowestMs: {
    name: 'peek_slowest',
    type: duration({ least: '50 ms', most: '10 min' }),
    byDefault: '5 s',
    meaning:
      'How often it is asked after a long silence; a third as often where the gateway sees news being made, as it stands in front of everything.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 10 min.',
  },
  pollMarginMs: {
    name: 'poll_margin',
    type: duration({ least: '1 s', most: '1 h' }),
    byDefault: '30 s',
    meaning: "How much longer than a poll's own timeout the homeserver may take to answer it.",
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 1 h.',
  },
  initialSyncDeadlineMs: {
    name: 'initial_sync_deadline',
    type: duration({ least: '1 s', most: '24 h' }),
    byDefault: '10 min',
    meaning: 'How long the homeserver may take before it begins to answer an initial sync.',
    value: 'milliseconds, or with s, min, h',
    off: 'Cannot be off; the most is 24 h.',
  },
  visibilityWaitMs: {
    name: 'visibility_wait',
    type: duration({ least: '0 ms', most: '10 min' }),
    byDefault: '2 s',
    meaning:
      'How long /initialSync waits, in all, to learn which rooms are public; of a room of which that is not known then nothing is said.',
    value: 'milliseconds, or with s, min, h',
    off: 'Off with 0: it waits for none.',
  },
  drainDeadlineMs: {
    name: 'drain_deadline',
    type: duration({ least: '0 ms', most: '1 h' }),
    byDefault: '10 s',
    meaning: 'How long open requests may take to finish after SIGTERM or SIGINT. Polls are answered at once.',
    value: 'milliseconds, or with s, min, h',
    off: 'Off with 0: nothing is waited for.',
  },
  usageFile: {
    name: 'usage_file',
    type: filePath,
    byDefault: 'none',
    meaning:
      'A file in which the usage report outlives a restart: counts by feature and client, no ids and no tokens. It is written every minute and at the end.',
    value: 'a path; a relative one is seen from the working directory',
    off: 'Off with none: a restart begins to count anew.',
  },
  usageUserIds: {
    name: 'usage_user_ids',
    type: onOrOff,
    byDefault: 'false',
    meaning:
      "Whether the page of the usage report names the users, 20 at most for each feature and client. Whoever reaches internal_listen sees then who uses which client; nobody's id is in metrics, logs, usage.json or usage_file.",
    value: 'true or false',
    off: 'Off with false: accounts are only counted.',
  },
  compare: {
    name: 'compare',
    type: oneOf(['off', 'shadow', 'native']),
    byDefault: 'off',
    meaning:
      "Whether Hindsync's answers are compared with those of the homeserver's own legacy endpoints, where it has them (Synapse), see docs/operating.md. With shadow the client gets Hindsync's, with native the homeserver's. Each comparison asks the other side as that client: more work, and its user is online.",
    value: 'off, shadow or native',
    off: 'With off nothing is compared.',
  },
  compareShare: {
    name: 'compare_share',
    type: percentage,
    byDefault: '1 %',
    meaning:
      'The share of the requests, picked at random, whose answers are compared; two at once at most, and none under load but with 100 %.',
    value: 'a percentage',
    off: 'With 0 % nothing is compared.',
  },
  compareSamplesDir: {
    name: 'compare_samples_dir',
    type: filePath,
    byDefault: 'none',
    meaning:
      'A folder that both answers are written to where they differ, 20 times at most, for a bug report. They hold what people wrote: delete them soon.',
    value: 'a path; a relative one is seen from the working directory',
    off: 'Off with none: of contents and ids nothing is kept.',
  },
  deprecatedSince: {
    name: 'deprecated_since',
    type: featureDates,
    byDefault: 'none',
    meaning:
      'The day from which each part of the old API is deprecated: its answers say so in a Deprecation header (RFC 9745), see docs/operating.md. Room previews have no such date.',
    value: 'FEATURE=DATE, separated by commas, or a mapping in the file; all for every feature',
    off: 'Off with none: nothing is said.',
  },
  sunsetOn: {
    name: 'sunset_on',
    type: featureDates,
    byDefault: 'none',
    meaning:
      'The day on which each part of the old API ends: its answers say so in a Sunset header (RFC 8594), and what happens then is in sunset_answer.',
    value: 'FEATURE=DATE, separated by commas, or a mapping in the file; all for every feature',
    off: 'Off with none: nothing ends.',
  },
  sunsetLink: {
    name: 'sunset_link',
    type: link,
    byDefault: 'none',
    meaning: 'A page that tells people what ends and what to do, for the Link header and for refusals.',
    value: 'a URL',
    off: 'Off with none.',
  },
  sunsetAnswer: {
    name: 'sunset_answer',
    type: oneOf(['serve', 'refuse']),
    byDefault: 'serve',
    meaning: 'Whether a feature is served on after its sunset, or refused with 410 and sunset_words.',
    value: 'serve or refuse',
    off: 'With serve nothing is refused.',
  },
  sunsetWords: {
    name: 'sunset_words',
    type: words,
    byDefault: 'This part of the Matrix API ends here; please use a newer client',
    meaning: 'What a refusal says to people, after a sunset and in a brownout; sunset_link follows it.',
    value: 'a sentence',
    off: 'Cannot be off.',
  },
  brownout: {
    name: 'brownout',
    type: brownout,
    byDefault: 'none',
    meaning:
      'When features whose sunset is ahead are refused for some minutes, with 503 and sunset_words, so that people notice in time. What old clients do then is in docs/operating.md.',
    value: 'five fields of cron, in UTC, and a length',
    off: 'Off with none.',
  },
  refuseSharedDevices: {
    name: 'refuse_shared_devices',
    type: onOrOff,
    byDefault: 'false',
    meaning:
      'Whether /events is refused to a session that also uses modern sync or encryption, whose to-device messages it would acknowledge.',
    value: 'true or false',
    off: 'Off with false: served, and said once in the log.',
  },
} satisfies Record<string, Setting<unknown>>;

/** The settings as they were read: the value of each under its key. */
export type SettingValues = {
  -readonly [Key in keyof typeof SETTINGS]: (typeof SETTINGS)[Key]['type'] extends ValueType<infer Value>
    ? Value
    : never;
};

export const settings: readonly Setting<unknown>[] = Object.values(SETTINGS);

/** `cache_size` → `--cache-size`. */
export const flagOf = ({ name }: { name: string }): string => `--${name.replaceAll('_', '-')}`;

/** `cache_size` → `HINDSYNC_CACHE_SIZE`. */
export const variableOf = ({ name }: { name: string }): string => `HINDSYNC_${name.toUpperCase()}`;
