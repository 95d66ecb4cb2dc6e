// What operators read about the settings, made from the one table of them.

import { detailsOf, wrap } from '../../../src/config/describe.ts';
import { flagOf, settings, variableOf } from '../../../src/config/settings.ts';

const FILE_WIDTH = 100;

/** `docs/settings.md`: each setting under a heading of its own. */
export function settingsPage(): string {
  const head = [
    '# Settings',
    '',
    'A flag wins over the environment variable, that over the key in `config/hindsync.yaml` (or in the file of `--config FILE`), that over the',
    'default. `hindsync --check-config` says what is wrong. An unknown key is refused at start.',
    '',
    'Durations are written as 500 ms, 30 s, 10 min, 1 h, or as a plain number of milliseconds; sizes as 512 KiB, 64 MiB, 1 GiB, or as a',
    'plain number of bytes; lists as a YAML list, or as text with commas.',
  ];
  const sections = settings.flatMap((setting) => [
    '',
    `## ${setting.name}`,
    `\`${flagOf(setting)}\` · \`${variableOf(setting)}\` · default: ${setting.byDefault === undefined ? 'none, it must be given' : `\`${setting.byDefault}\``}`,
    '',
    setting.meaning,
    '',
    `Value: ${setting.value}. ${setting.off}`,
  ]);
  return `${[...head, ...sections].join('\n')}\n`;
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
