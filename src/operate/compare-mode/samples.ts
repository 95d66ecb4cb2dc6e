import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ComparedEndpoint } from '../comparable.ts';

/** So many are enough for a bug report, and no store of what people wrote. */
const MOST_SAMPLES = 20;

/** Keeps both answers where they differ: their contents are people's. */
export type KeepSample = (
  endpoint: ComparedEndpoint,
  answers: { native: unknown; ours: unknown },
) => Promise<void>;

/** Builds it for a folder, with files for their owner alone; undefined without one. Says once what that means. */
export function createSampleKeeper(
  folder: string | undefined,
  logger: Pick<Logger, 'warn'>,
): KeepSample | undefined {
  if (folder === undefined) return undefined;
  logger.warn(
    { folder },
    'compare_samples_dir is set: answers that differ are kept there, with what people wrote; delete them when you have looked',
  );
  let kept = 0;
  return async (endpoint, { native, ours }) => {
    if (kept >= MOST_SAMPLES) return;
    kept += 1;
    const name = `${new Date().toISOString().replaceAll(':', '-')}-${endpoint}-${kept}`;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const [side, answer] of Object.entries({ native, ours }))
        await writeFile(join(folder, `${name}-${side}.json`), JSON.stringify(answer, undefined, 2), {
          mode: 0o600,
        });
    } catch (error) {
      logger.warn(
        { folder, reason: (error as NodeJS.ErrnoException).code },
        'compare_samples_dir cannot be written',
      );
    }
  };
}
