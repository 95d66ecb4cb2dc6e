import type { Finding } from './finding.ts';

const SIGNS: Readonly<Record<Finding['verdict'], string>> = {
  good: 'ok',
  note: '--',
  look: '!',
  wrong: 'WRONG',
};

/** Findings → what a person reads in a terminal. */
export function toText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ verdict, what, says, advice }) => [
    `${SIGNS[verdict].padStart(5)}  ${what.padEnd(width)}  ${says}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 9)}-> ${advice}`]),
  ]);
  return `${[...lines, '', toConclusion(findings)].join('\n')}\n`;
}

/** Findings → what a program reads. */
export function toJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ is_well: isWell(findings), findings }, undefined, 2)}\n`;
}

/** Whether everything works that was looked at. */
export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== 'wrong');
}

function toConclusion(findings: readonly Finding[]): string {
  const count = (wanted: Finding['verdict']): number =>
    findings.filter(({ verdict }) => verdict === wanted).length;
  const toLookAt = count('look') === 0 ? '' : `; ${count('look')} to look at (!)`;
  return count('wrong') === 0 ? `All is well${toLookAt}.` : `Wrong: ${count('wrong')}${toLookAt}.`;
}
