// The sandbox as other homeservers: what was measured of each, laid over the routes of the sandbox itself.

import { playConduit } from './play-conduit.ts';
import { playContinuwuity } from './play-continuwuity.ts';
import { playDendrite } from './play-dendrite.ts';
import { playTuwunel } from './play-tuwunel.ts';
import type { Play } from './play.ts';

export const plays = {
  dendrite: playDendrite,
  tuwunel: playTuwunel,
  continuwuity: playContinuwuity,
  conduit: playConduit,
} satisfies Record<string, Play>;

export type SandboxKindName = keyof typeof plays;

/** Kinds that answer 401 to an access token that they did not issue, also where none is needed. */
export const refuseUnknownTokens: ReadonlySet<SandboxKindName> = new Set(['conduit']);
