import type { SandboxHomeserver } from '../../../../src/sandbox/homeserver.ts';
import type { Route } from '../../../../src/sandbox/routes/route.ts';
import type { Faults } from '../faults.ts';

/** What a kind is played on: the sandbox's model, and the faults that tests switch on. */
export interface Played {
  homeserver: SandboxHomeserver;
  faults: Faults;
}

/** The sandbox's routes → those of a homeserver that behaves as one kind. */
export type Play = (routes: readonly Route[], played: Played) => Route[];
