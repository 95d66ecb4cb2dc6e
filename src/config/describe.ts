// The table of settings as people read it in `--help`.

import { COMMANDS, ERRANDS } from './arguments.ts';
import { flagOf, settings, type Setting, variableOf } from './settings.ts';

const HELP_WIDTH = 100;

/** The text of `--help`. */
export function helpText(version: string): string {
  const commands = Object.entries(COMMANDS).map(([name, { help, ...rest }]) => {
    const short = 'short' in rest ? `-${rest.short}, ` : '';
    return `  ${`${short}--${name}`.padEnd(19)} ${help}`;
  });
  const errands = Object.entries(ERRANDS).map(
    ([name, { operands, help }]) => `  ${`${name} ${operands}`.padEnd(19)} ${help}`,
  );
  return [
    `hindsync ${version}: answers Matrix's deprecated sync APIs from the modern ones`,
    '',
    'Usage: hindsync --homeserver-url URL [settings]',
    '       hindsync --sandbox | --demo [--once] | --check-config | --help | --version',
    '       hindsync doctor [--public-url URL] [--access-token-file FILE] [--json] [settings]',
    '       hindsync usage URL… [--json]',
    '',
    ...errands,
    ...commands,
    '',
    'Settings. What stands further left wins: flag, environment variable, key in the file, default.',
    '',
    ...settings.flatMap((setting) => [
      `  ${flagOf(setting)}, ${variableOf(setting)}, ${setting.name}`,
      ...wrap(setting.meaning, HELP_WIDTH, '      '),
      ...wrap(detailsOf(setting), HELP_WIDTH, '      '),
    ]),
    '',
  ].join('\n');
}

/** A setting's default, how its value is written, and how it is switched off, in words. */
export const detailsOf = ({ byDefault, value, off }: Setting<unknown>): string =>
  `Default: ${byDefault ?? 'none (must be given)'}. Value: ${value}. ${off}`;

/** Words → lines of at most `width`, each behind the indent. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line];
}
