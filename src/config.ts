// (shape only; the reading of flags, environment and file follows)

export interface Config {
  /** `http://host:port`, `https://host:port` or `unix:/path`; undefined only with `sandbox`. */
  homeserverUrl: string;
  listen: { host: string; port: number };
  internalListen: { host: string; port: number };
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  homeserverKind: 'auto' | 'synapse' | 'sandbox';
  /** Bytes. */
  cacheSize: number;
  passPaths: string[];
  /** Addresses or networks whose X-Forwarded-* are believed. */
  trustedProxies: string[];
  /** Room events in one answer of /events when the client names no limit. */
  eventsLimit: number;
  /** The longest long poll. */
  maxPollTimeoutMs: number;
  /** Parked polls a session may hold; a surplus one releases the oldest. */
  pollsPerSession: number;
  /** Initial syncs answered at once; further ones wait. */
  maxInitialSyncs: number;
  /** How long an initial sync waits for its turn before 429. */
  initialSyncQueueMs: number;
  /** Deadline of ordinary calls to the homeserver. */
  callDeadlineMs: number;
  /** Added to a poll's timeout for the homeserver's answer. */
  pollMarginMs: number;
  /** Deadline of the homeserver's initial sync. */
  initialSyncDeadlineMs: number;
  /** How long /initialSync waits, in all, for room visibilities. */
  visibilityWaitMs: number;
  drainDeadlineMs: number;
  /** Refuse /events of a session that also uses modern sync or encryption through us. */
  refuseSharedDevices: boolean;
}
