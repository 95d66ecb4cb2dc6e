// Alert rules and dashboard, checked by Debian's promtool, and against the metrics that a gateway has.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { startGateway } from '../support/gateway.ts';

const RULES = 'deploy/prometheus/hindsync.rules.yml';
const DASHBOARD = 'deploy/grafana/hindsync.json';

let folder: string;
let metrics: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hindsync-promtool-'));
  const sandbox = await createSandbox();
  const gateway = await startGateway(sandbox.url, {
    sunsetOn: new Map([['r0', Date.parse('2100-01-01')]]),
    compare: 'shadow',
  });
  metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  await gateway.close();
  await sandbox.close();
});
afterAll(() => rm(folder, { recursive: true }));

const promtool = async (...given: string[]): Promise<string> =>
  (await promisify(execFile)('/usr/bin/promtool', given)).stdout;

/** The expressions of rules and panels, by where they stand. */
async function expressions(): Promise<Record<string, string>> {
  const { groups } = parse(await readFile(RULES, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  return Object.fromEntries([
    ...groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [`alert ${alert}`, expr])),
    ...panels.flatMap(({ title, targets }) => targets.map(({ expr }, i) => [`panel ${title} ${i}`, expr])),
  ]) as Record<string, string>;
}

describe('promtool', () => {
  test('checks the rules, and plays them -> each fires when it should', async () => {
    expect(await promtool('check', 'rules', RULES)).toMatch(/SUCCESS: \d+ rules found/);
    expect(await promtool('test', 'rules', 'test/operator/hindsync.rules.test.yml')).toMatch(/SUCCESS/);
  });

  test('checks how to scrape -> valid', async () => {
    expect(await promtool('check', 'config', 'deploy/prometheus/scrape.yml')).toMatch(/SUCCESS/);
  });

  test('reads every expression of the dashboard -> valid', async () => {
    const rules = Object.entries(await expressions()).map(([, expr], i) => ({
      record: `panel:${i}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }));
    const path = join(folder, 'dashboard.yml');
    await writeFile(path, stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(await promtool('check', 'rules', path)).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  test('checks what a gateway says -> names, units and help as Prometheus wants them', async () => {
    const child = spawn('/usr/bin/promtool', ['check', 'metrics']);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => (said += data.toString()));
    child.stdin.end(metrics);
    await once(child, 'close');
    // Of Node's own, which come with prom-client, some have no unit.
    expect(said.split('\n').filter((line) => line !== '' && !line.startsWith('hindsync_nodejs_'))).toEqual(
      [],
    );
  });
});

test('every metric that a rule or a panel names -> there is one', async () => {
  const known = new Set(
    [...metrics.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
  const unknown = Object.entries(await expressions()).flatMap(([where, expr]) =>
    [...expr.matchAll(/\bhindsync_\w+/g)]
      .filter(([name]) => !known.has(name))
      .map(([name]) => `${where}: ${name}`),
  );
  expect(unknown).toEqual([]);
});
