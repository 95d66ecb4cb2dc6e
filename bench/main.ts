// All benches in turn, or those that are named: what each costs as a ratio within its run, beside its goal.

import type { Row } from './row.ts';

/** By name, so that a bench is loaded only when it runs. */
const benches: Record<string, () => Promise<{ run(): Promise<Row[]> }>> = {
  passthrough: () => import('./passthrough.ts'),
  'r0-sync': () => import('./r0-sync.ts'),
  'initial-sync': () => import('./initial-sync.ts'),
  'catch-up': () => import('./catch-up.ts'),
  'idle-peeks': () => import('./idle-peeks.ts'),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`no such bench: ${unknown.join(', ')} (there are ${Object.keys(benches).join(', ')})`);
  process.exit(2);
}

const names = asked.length > 0 ? asked : Object.keys(benches);
const rows: Row[] = [];
for (const [i, name] of names.entries()) {
  console.log(`${i + 1}/${names.length} ${name} …`);
  const bench = await benches[name]?.();
  rows.push(...((await bench?.run()) ?? []));
}
printTable(rows);

function printTable(results: readonly Row[]): void {
  const lines = [
    ['name', 'measured', 'ratio', 'goal', 'met'],
    ...results.map(({ name, measured, ratio, goal, met }) => [
      name,
      measured,
      ratio.toFixed(2),
      goal,
      met ? 'yes' : 'no',
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  for (const cells of lines) {
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
