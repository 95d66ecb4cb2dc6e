import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MB = 1024 * 1024;

test('a process that a large one starts -> its peak is its own, not its parent’s', () => {
  const ballast = Buffer.alloc(200 * MB, 1);
  const source = `import { readPeakMemory } from '${new URL('peak-memory.ts', import.meta.url).href}'; console.log(readPeakMemory());`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', source]);
  expect(Number(stdout)).toBeGreaterThan(20 * MB);
  expect(Number(stdout)).toBeLessThan(ballast.length);
});
