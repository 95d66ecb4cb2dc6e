/** One line of the benches' table: two things compared within one run, beside the goal. */
export interface Row {
  name: string;
  measured: string;
  ratio: number;
  goal: string;
  met: boolean;
}

/** Writes rows as a table, each column as wide as its widest cell. */
export function printTable(results: readonly Row[]): void {
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
