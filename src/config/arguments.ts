import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { ConfigError, firstLine } from './config-error.ts';
import { flagOf, settings } from './settings.ts';
import { onOrOff } from './values.ts';

/** What the command line asks for. */
export interface Arguments {
  action: 'run' | 'check-config' | 'help' | 'version';
  /** Start the embedded sandbox and stand in front of it; the demo does too. */
  sandbox: boolean;
  demo: boolean;
  /** End after the demo. */
  once: boolean;
  configFile: string | undefined;
  /** A setting's name → the value given. */
  flags: ReadonlyMap<string, string | boolean>;
}

/** The flags that are no settings, with the words that `--help` has for them. */
export const COMMANDS = {
  config: { type: 'string', short: 'c', help: 'FILE  read settings from this file (or HINDSYNC_CONFIG)' },
  'check-config': { type: 'boolean', help: 'read all settings, say what is wrong, and end' },
  sandbox: { type: 'boolean', help: 'stand in front of an embedded homeserver, to try things out' },
  demo: { type: 'boolean', help: 'with a sandbox and an old client, play a short story to watch' },
  once: { type: 'boolean', help: 'with --demo: end after the story' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
  version: { type: 'boolean', help: 'show the version' },
} as const;

/** Throws a `ConfigError` for unknown flags, missing values and anything that is no flag. */
export function readArguments(argv: readonly string[]): Arguments {
  const values = parse(argv);
  const demo = values['demo'] === true;
  if (values['once'] === true && !demo) throw ConfigError.usage('--once goes with --demo only');
  const given = settings.map((setting) => [setting.name, values[flagOf(setting).slice(2)]] as const);
  return {
    action: actionOf(values),
    sandbox: values['sandbox'] === true || demo,
    demo,
    once: values['once'] === true,
    configFile: values['config'] as string | undefined,
    flags: new Map(given.filter((flag): flag is [string, string | boolean] => flag[1] !== undefined)),
  };
}

function parse(argv: readonly string[]): Record<string, unknown> {
  const options: ParseArgsOptionsConfig = {};
  for (const [name, { help: _help, ...option }] of Object.entries(COMMANDS)) options[name] = option;
  for (const setting of settings) {
    const type = setting.type === onOrOff ? 'boolean' : 'string';
    options[flagOf(setting).slice(2)] = { type };
  }
  try {
    return parseArgs({ args: [...argv], options, allowNegative: true }).values;
  } catch (error) {
    // Node's own words; what follows the first sentence is advice on `--`, which means nothing here.
    throw ConfigError.usage(firstLine(error).split('. ', 1)[0] ?? '');
  }
}

function actionOf(values: Record<string, unknown>): Arguments['action'] {
  if (values['help'] === true) return 'help';
  if (values['version'] === true) return 'version';
  return values['check-config'] === true ? 'check-config' : 'run';
}
