// The table of settings as people read it: `--help`, the README's table, the file with every default.

import { COMMANDS, ERRANDS } from './arguments.ts';
import { flagOf, settings, type Setting, variableOf } from './settings.ts';

const FILE_WIDTH = 100;
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

/** The README's table, in markdown, its columns aligned. */
export function settingsTable(): string {
  const rows = settings.map((setting) => [
    `\`${setting.name}\``,
    `\`${flagOf(setting)}\``,
    `\`${variableOf(setting)}\``,
    setting.byDefault === undefined ? 'none' : `\`${setting.byDefault}\``,
    `${setting.meaning} Unit: ${setting.unit}. ${setting.off}`,
  ]);
  const header = ['in the file', 'flag', 'environment', 'default', 'meaning'];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [header, rule, ...rows].map(line).join('\n');
}

/** `config/hindsync.yaml`: every setting, commented out, with its default. Uncommenting a line changes nothing. */
export function defaultFile(): string {
  const head = [
    '# The settings of Hindsync. Each is commented out and shows its default; take away the # to change it.',
    '# Flags and environment variables win over this file. An unknown key is refused at start.',
    '# Durations: 500 ms, 30 s, 10 min, 1 h, or a plain number of milliseconds.',
    '# Sizes: 512 KiB, 64 MiB, 1 GiB, or a plain number of bytes. Lists: a YAML list, or text with commas.',
  ];
  const blocks = settings.map((setting) => [
    '',
    ...wrap(setting.meaning, FILE_WIDTH, '# '),
    ...wrap(detailsOf(setting), FILE_WIDTH, '# '),
    `#${setting.name}: ${setting.byDefault ?? 'http://127.0.0.1:8008'}`,
  ]);
  return `${[...head, ...blocks.flat()].join('\n')}\n`;
}

const detailsOf = ({ byDefault, unit, off }: Setting<unknown>): string =>
  `Default: ${byDefault ?? 'none (must be given)'}. Unit: ${unit}. ${off}`;

function wrap(text: string, width: number, indent: string): string[] {
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
