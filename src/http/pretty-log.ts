import type { DestinationStream } from 'pino';
import pretty from 'pino-pretty';

/** Standard error, for a person who watches. Written at once, as all log lines are. */
export const createPrettyStream = (): DestinationStream =>
  pretty({ destination: 2, sync: true, ignore: 'pid,hostname' });
