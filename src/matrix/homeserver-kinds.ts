/** The sorts of homeservers that are told apart; `careful` is one that nobody has measured. */
export const HOMESERVER_KINDS = [
  'synapse',
  'dendrite',
  'conduit',
  'tuwunel',
  'continuwuity',
  'careful',
  'sandbox',
] as const;

export type HomeserverKindName = (typeof HOMESERVER_KINDS)[number];
