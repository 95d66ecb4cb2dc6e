// What keeps the counts over a restart.

import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Milliseconds } from '../../matrix/identifiers.ts';
import { reportSchema } from './report.ts';
import type { Usage } from './usage.ts';

export interface UsageFile {
  /** Reads what was kept, then writes every minute. Never throws. */
  start(): Promise<void>;
  /** Writes once more. */
  stop(): Promise<void>;
}

const PERIOD_MS: Milliseconds = 60_000;
const savedSchema = z.object({ key: z.string().regex(/^[\da-f]{64}$/), report: reportSchema });

/**
 * Keeps `usage` in the file at `path`, which is for its owner alone (0600), and always whole: it is written beside, then
 * renamed.
 *
 * What cannot be read or written is said in the log, and stops nothing. A file that is broken, or of another version, is
 * renamed to `….broken` and a new one begun.
 */
export function keepUsageIn(path: string, { usage, logger }: { usage: Usage; logger: Logger }): UsageFile {
  let timer: NodeJS.Timeout | undefined;
  let savedUses = 0;
  let isFailing = false;

  async function load(): Promise<void> {
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      logger.warn({ file: path, reason: reasonOf(error) }, 'usage_file cannot be read: counting begins anew');
      return;
    }
    const saved = savedSchema.safeParse(parse(text));
    if (saved.success) return usage.restore(saved.data);
    const aside = `${path}.broken`;
    const isAside = await rename(path, aside).then(
      () => true,
      () => false,
    );
    logger.warn(
      { file: path, ...(isAside && { aside }) },
      'usage_file is broken or of another version: it is put aside, and counting begins anew',
    );
  }

  async function save(): Promise<void> {
    const { uses } = usage;
    if (uses === savedUses) return;
    const beside = `${path}.new`;
    try {
      await writeFile(beside, JSON.stringify(usage.save()), { mode: 0o600 });
      await chmod(beside, 0o600);
      await rename(beside, path);
      savedUses = uses;
      isFailing = false;
    } catch (error) {
      if (!isFailing)
        logger.warn(
          { file: path, reason: reasonOf(error) },
          'usage_file cannot be written: a restart forgets what was counted',
        );
      isFailing = true;
    }
  }

  return {
    start: async () => {
      await load();
      timer = setInterval(() => void save(), PERIOD_MS);
      timer.unref();
    },
    stop: async () => {
      clearInterval(timer);
      await save();
    },
  };
}

const reasonOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
