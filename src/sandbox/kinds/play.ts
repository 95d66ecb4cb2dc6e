// The sandbox as other homeservers: what was measured of each, laid over the routes of the sandbox itself.

import type { Route, Served } from '../routes/route.ts';
import { playConduit } from './conduit.ts';
import { playContinuwuity } from './continuwuity.ts';
import { playDendrite } from './dendrite.ts';
import { playTuwunel } from './tuwunel.ts';

/** The sandbox's routes → those of a homeserver that behaves as this kind. */
export type Play = (routes: readonly Route[], served: Served) => Route[];

const plays = {
  dendrite: playDendrite,
  tuwunel: playTuwunel,
  continuwuity: playContinuwuity,
  conduit: playConduit,
} satisfies Record<string, Play>;

export type SandboxKindName = keyof typeof plays;

export function playKind(kind: SandboxKindName | undefined, routes: Route[], served: Served): Route[] {
  return kind === undefined ? routes : plays[kind](routes, served);
}
