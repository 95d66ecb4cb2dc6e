import type { Logger } from 'pino';
import type { Milliseconds } from '../matrix/identifiers.ts';

/** An incident is what an operator must see, and what comes by the thousand when it comes. */
export type Incident =
  | 'the homeserver does not answer, or not in a way that can be used'
  | 'out of file descriptors'
  | 'a client’s connection was refused, as too many are open'
  | 'a request was refused, as too many are under way'
  | 'an answer was cut'
  | 'an answer was cut, as its client took nothing of it';

export interface Incidents {
  /** `details` are logged with the first one only: no token and no body among them. */
  note(incident: Incident, details?: Readonly<Record<string, unknown>>): void;
}

/**
 * Logs incidents by kind: the first at once, then for as long as there are more one line an interval, with their count.
 * After an interval without any, the next one is a first one again.
 */
export function createIncidents({
  logger,
  intervalMs = 60_000,
}: {
  logger: Pick<Logger, 'warn'>;
  intervalMs?: Milliseconds;
}): Incidents {
  const counts = new Map<Incident, number>();

  function sum(incident: Incident): void {
    const count = counts.get(incident) ?? 0;
    counts.delete(incident);
    if (count === 0) return;
    logger.warn({ count, withinMs: intervalMs }, incident);
    start(incident);
  }

  function start(incident: Incident): void {
    counts.set(incident, 0);
    setTimeout(() => sum(incident), intervalMs).unref();
  }

  return {
    note: (incident, details = {}) => {
      const count = counts.get(incident);
      if (count !== undefined) {
        counts.set(incident, count + 1);
        return;
      }
      logger.warn(details, incident);
      start(incident);
    },
  };
}

/**
 * A request to the homeserver that failed → the incident it is. `error` is what undici says: its code is logged, not its
 * text, which may hold an address.
 */
export function noteNetworkFailure(incidents: Incidents, error: unknown, isCut: boolean): void {
  const { code, name } = (error ?? {}) as NodeJS.ErrnoException;
  const details = { code: code ?? name };
  if (code === 'EMFILE' || code === 'ENFILE') incidents.note('out of file descriptors', details);
  else if (isCut) incidents.note('an answer was cut', details);
  else incidents.note('the homeserver does not answer, or not in a way that can be used', details);
}
