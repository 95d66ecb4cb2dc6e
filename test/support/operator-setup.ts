// The programs that the tests of the project `operator` need.

import { readyPrograms } from './debian.ts';

export default async function setup(): Promise<void> {
  await readyPrograms((line) => process.stderr.write(`operator: ${line}\n`));
}
