import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/http/logging.ts';
import { keepUsageIn } from '../../../src/operate/usage/usage-file.ts';
import { createUsage, type Usage } from '../../../src/operate/usage/usage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-usage-'));
});
afterEach(() => rm(folder, { recursive: true }));

function open(path: string): {
  usage: Usage;
  file: ReturnType<typeof keepUsageIn>;
  lines: { msg: string }[];
} {
  const lines: { msg: string }[] = [];
  const logger = createLogger({
    level: 'warn',
    stream: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const usage = createUsage({ clock: { now: Date.now }, keepsUsers: false });
  return { usage, file: keepUsageIn(path, { usage, logger }), lines };
}

const note = (usage: Usage): void =>
  usage.note({
    features: ['r0'],
    userAgent: 'a/1',
    prefix: 'r0',
    status: 200,
    accessToken: 'x',
    userId: undefined,
  });
const requestsOf = (usage: Usage) => usage.save().report.rows[0]?.requests;

describe('usage_file', () => {
  test('stopped and started -> goes on; whole, and for its owner alone', async () => {
    const path = join(folder, 'usage.json');
    const first = open(path);
    await first.file.start();
    note(first.usage);
    await first.file.stop();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['usage.json']);

    const second = open(path);
    await second.file.start();
    note(second.usage);
    expect(requestsOf(second.usage)).toBe(2);
    await second.file.stop();
    expect([first.lines, second.lines]).toEqual([[], []]);
  });

  test.each([
    { given: 'cut in the midst', change: (text: string) => text.slice(0, 100) },
    { given: 'empty', change: () => '' },
    { given: 'of another version', change: (text: string) => text.replace('"version":1', '"version":2') },
    {
      given: 'with a row that is none',
      change: (text: string) => text.replace('"requests":1', '"requests":-1'),
    },
    { given: 'of a feature that there is not', change: (text: string) => text.replace('"r0"', '"r9"') },
  ])('$given -> put aside, said, and counting begins anew', async ({ change }) => {
    const path = join(folder, 'usage.json');
    const first = open(path);
    note(first.usage);
    await first.file.stop();
    const broken = change(await readFile(path, 'utf8'));
    await writeFile(path, broken);

    const second = open(path);
    await second.file.start();
    expect(requestsOf(second.usage)).toBeUndefined();
    expect(second.lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/broken or of another version/),
    ]);
    expect(await readFile(`${path}.broken`, 'utf8')).toBe(broken);
    note(second.usage);
    await second.file.stop();
    expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('report.version', 1);
  });

  test('not to be written -> said once, and nothing stops', async () => {
    const { usage, file, lines } = open(join(folder, 'missing', 'usage.json'));
    await file.start();
    note(usage);
    await file.stop();
    note(usage);
    await file.stop();
    expect(lines.map(({ msg }) => msg)).toEqual([expect.stringMatching(/cannot be written/)]);
  });

  test('a folder -> said, and nothing stops', async () => {
    const { usage, file, lines } = open(folder);
    await file.start();
    note(usage);
    await file.stop();
    expect(lines).toHaveLength(2);
  });
});
