import type { Config } from '../config/config.ts';
import { createInitialSyncQueue } from '../endpoints/initial-sync/initial-sync-queue.ts';
import type { Services } from '../endpoints/services.ts';
import { createParkedPolls } from '../endpoints/session/parked-polls.ts';
import { createSessionReader, type SessionReader } from '../endpoints/session/session.ts';
import { checkSharedDevice } from '../endpoints/session/shared-device.ts';
import { createVisibilityWait } from '../endpoints/streamed/visibility-wait.ts';
import { createDirectoryTurns } from '../endpoints/v1/public-rooms.ts';
import { meansModernSync } from '../endpoints/v2-alpha/v2-alpha-modern-sync.ts';
import { createCatchUpAnswers } from '../follow/catch-up-answer.ts';
import { withTurns } from '../follow/catch-up-turns.ts';
import { createEventStream, type EventStream } from '../follow/event-stream.ts';
import { createIncrements } from '../follow/held-bytes.ts';
import { createPeekStream, type PeekStream } from '../follow/peek-stream.ts';
import { createReadTurns } from '../follow/read-turns.ts';
import { createPeerLookup, forwardedForOf, forwardedProtoOf } from '../http/forwarded.ts';
import type { Metrics } from '../operate/metrics.ts';
import type { PassThrough } from '../passthrough/passthrough.ts';
import type { Clock } from '../scheduling/clock.ts';
import { createTurns, type Turns } from '../scheduling/turns.ts';
import type { Caches } from './caches.ts';
import type { HomeserverLink } from './homeserver-link.ts';

export interface ServiceOptions {
  config: Config;
  clock: Clock;
  metrics: Metrics;
  link: HomeserverLink;
  caches: Caches;
  passThrough: PassThrough;
}

/** Makes what endpoints work with, from the settings, the homeserver and the caches. */
export function createServices(options: ServiceOptions): Services {
  const { config, clock, metrics, link, caches, passThrough } = options;
  const { kind, prefixes } = link;
  // Whatever makes many calls for one answer takes a turn for each of them.
  const visibilityTurns = createTurns({ most: 16, mostOfOne: 4 });
  const readTurns = createReadTurns();
  const shared = {
    modernSessions: caches['modern-sessions'],
    refuseSharedDevices: config.refuseSharedDevices,
    onSharedDevice: () => metrics.count('sharedDevices'),
  };
  return {
    clock,
    kind,
    hasSlidingSync: prefixes.hasSlidingSync,
    passThrough,
    sessions: createSessionsFor(options),
    bots: caches['bot-sessions'],
    parkedPolls: createParkedPolls({ pollsPerSession: config.pollsPerSession, clock }),
    checkSharedDevice: (session, request) => checkSharedDevice(session, request, shared),
    ...createStreams(options, readTurns),
    readNow: caches['known-positions'].readNow,
    cursors: caches['session-cursors'],
    increments: createIncrements(),
    eventRooms: caches['event-rooms'],
    presences: caches.presences,
    waitForVisibilities: (signal) =>
      createVisibilityWait({
        visibilities: caches.visibility,
        visibilityTurns,
        clock,
        budgetMs: config.visibilityWaitMs,
        signal,
      }),
    transactions: caches.transactions,
    lostSends: caches['lost-sends'],
    initialSyncTurns: createInitialSyncQueue(config),
    readTurns,
    directoryTurns: createDirectoryTurns(),
    callTurns: createTurns({ most: 32, mostOfOne: 8 }),
    meansModernSync: (request) => meansModernSync(request, config),
    eventsLimit: config.eventsLimit,
    maxPollTimeoutMs: config.maxPollTimeoutMs,
  };
}

function createSessionsFor({ config, link, caches }: ServiceOptions): SessionReader {
  const peerOf = createPeerLookup(config.trustedProxies);
  return createSessionReader({
    homeserver: link.homeserver,
    sessions: caches.sessions,
    forwardedOf: ({ raw }) => {
      const peer = peerOf(raw.socket);
      const forwardedFor = forwardedForOf(raw, peer);
      return {
        ...(forwardedFor !== undefined && { forwardedFor }),
        forwardedProto: forwardedProtoOf(raw, peer),
      };
    },
  });
}

/** A user's whole stream, and that of a room; both read a catch-up's pages in turn. */
function createStreams(
  { clock, metrics, link: { kind }, caches }: ServiceOptions,
  readTurns: Turns,
): { stream: EventStream; peeks: PeekStream } {
  const cursors = caches['session-cursors'];
  const watch = caches['room-watch'];
  const onRefusedRoom = (): void => metrics.count('refusedRooms');
  const catchUps = createCatchUpAnswers({ kind, cursors, clock, onRefusedRoom });
  const answers = withTurns(catchUps, readTurns);
  const stream = createEventStream({
    typing: caches['repeated-typing'],
    kind,
    answers,
    cursors,
    clock,
    onRemainder: (how) => metrics.remainderFound(how),
    onUpdate: ({ rooms }) => rooms.forEach(({ roomId }) => watch.announce(roomId)),
  });
  const positions = caches['known-positions'];
  const onProbe = (): void => metrics.count('peekProbes');
  const peeks = createPeekStream({ kind, answers, cursors, positions, watch, onProbe });
  return { stream, peeks };
}
