import { readFileSync } from 'node:fs';

/** How many of the files and connections that a process may have open each side of the gateway gets. */
export interface DescriptorShares {
  /** Connections of clients. */
  clients: number;
  /** Connections to the homeserver, polls and all else. */
  homeserver: number;
}

/**
 * So many are kept for listeners, `/health` and `/metrics`, spools and look-ups of names: these must work when
 * clients have used up theirs.
 */
const RESERVE = 64;

/**
 * The process' own limit, less a reserve, in halves: a client's request has one connection to the homeserver. Infinity
 * where the limit is not told.
 */
export function shareDescriptors(limit: number): DescriptorShares {
  if (!Number.isFinite(limit)) return { clients: Infinity, homeserver: Infinity };
  const half = Math.max(16, Math.floor((limit - RESERVE) / 2));
  return { clients: half, homeserver: half };
}

/** The most files and connections that this process may have open; Infinity where the system does not say (only Linux does). */
export function readDescriptorLimit(readText: (path: string) => string = readFile): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

const readFile = (path: string): string => readFileSync(path, 'utf8');
