// All benches in turn, or those that are named: what each costs as a ratio within its run, beside its goal.

import { printTable, type Row } from './row.ts';

/** By name, so that a bench is loaded only when it runs. */
const benches: Record<string, () => Promise<{ run(): Promise<Row[]> }>> = {
  passthrough: () => import('./passthrough.ts'),
  'r0-sync': () => import('./r0-sync.ts'),
  'initial-sync': () => import('./initial-sync.ts'),
  'catch-up': () => import('./catch-up.ts'),
  'idle-peeks': () => import('./idle-peeks.ts'),
  'large-answers': () => import('./large-answers.ts'),
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
