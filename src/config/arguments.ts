import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { ConfigError, firstLine } from './config-error.ts';
import { flagOf, settings } from './settings.ts';
import { onOrOff } from './values.ts';

/** The command line asks for this. */
export interface Arguments {
  action: 'run' | 'check-config' | 'help' | 'version' | keyof typeof ERRANDS;
  /** Start the embedded sandbox and stand in front of it; the demo does too. */
  sandbox: boolean;
  demo: boolean;
  /** End after the demo. */
  once: boolean;
  configFile: string | undefined;
  /**
   * The doctor is given the address at which clients meet the reverse proxy, and a file with an access token to try.
   */
  publicUrl: string | undefined;
  accessTokenFile: string | undefined;
  /** Whether an errand answers in JSON. */
  json: boolean;
  /** The words that an errand was given without a flag. */
  operands: readonly string[];
  /** A setting's name → the value given. */
  flags: ReadonlyMap<string, string | boolean>;
}

/** The words that may come first, instead of running the gateway. */
export const ERRANDS = {
  doctor: { operands: '', help: 'say what will work with these settings and what is wrong' },
  usage: {
    operands: 'URL…',
    help: 'show who uses the old API: one table of the Hindsyncs whose internal URLs are given',
  },
} as const;

/** The flags that are no settings, with the words that `--help` has for them. */
export const COMMANDS = {
  config: { type: 'string', short: 'c', help: 'FILE  read settings from this file (or HINDSYNC_CONFIG)' },
  'check-config': { type: 'boolean', help: 'read all settings, say what is wrong, and end' },
  sandbox: { type: 'boolean', help: 'stand in front of an embedded homeserver, to try things out' },
  demo: { type: 'boolean', help: 'with a sandbox and an old client, play a short story to watch' },
  once: { type: 'boolean', help: 'with --demo: end after the story' },
  'public-url': {
    type: 'string',
    help: 'URL  with doctor: try the reverse proxy in front of a running Hindsync, too',
  },
  'access-token-file': {
    type: 'string',
    help: 'FILE  with doctor: try each legacy endpoint on this account, too; nothing is changed',
  },
  json: { type: 'boolean', help: 'with doctor and usage: answer in JSON' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
  version: { type: 'boolean', help: 'show the version' },
} as const;

/** Throws a `ConfigError` for unknown flags, missing values and anything that is no flag. */
export function readArguments(argv: readonly string[]): Arguments {
  const errand = isErrand(argv[0]) ? argv[0] : undefined;
  const { values, positionals } = parse(errand === undefined ? argv : argv.slice(1), errand);
  const demo = values['demo'] === true;
  if (values['once'] === true && !demo) throw ConfigError.usage('--once goes with --demo only');
  const given = settings.map((setting) => [setting.name, values[flagOf(setting).slice(2)]] as const);
  if (errand === 'usage' && positionals.length === 0)
    throw ConfigError.usage('usage needs the internal URL of each Hindsync, such as http://127.0.0.1:9009');
  return {
    action: actionOf(values, errand),
    sandbox: values['sandbox'] === true || demo,
    demo,
    once: values['once'] === true,
    configFile: values['config'] as string | undefined,
    publicUrl: publicUrlIn(values),
    accessTokenFile: values['access-token-file'] as string | undefined,
    json: values['json'] === true,
    operands: positionals,
    flags: new Map(given.filter((flag): flag is [string, string | boolean] => flag[1] !== undefined)),
  };
}

const isErrand = (word: string | undefined): word is keyof typeof ERRANDS =>
  word !== undefined && Object.hasOwn(ERRANDS, word);

function publicUrlIn(values: Record<string, unknown>): string | undefined {
  const given = values['public-url'] as string | undefined;
  if (given === undefined) return undefined;
  const isBare = /^https?:\/\/[^\s/?#@\\]+\/?$/i.test(given) && URL.canParse(given);
  if (isBare) return new URL(given).origin;
  throw ConfigError.usage('--public-url must be http(s)://host or http(s)://host:port, without a path');
}

function parse(
  argv: readonly string[],
  errand: keyof typeof ERRANDS | undefined,
): { values: Record<string, unknown>; positionals: string[] } {
  const allowPositionals = errand !== undefined && ERRANDS[errand].operands !== '';
  const options: ParseArgsOptionsConfig = {};
  for (const [name, { help: _help, ...option }] of Object.entries(COMMANDS)) options[name] = option;
  for (const setting of settings) {
    const type = setting.type === onOrOff ? 'boolean' : 'string';
    options[flagOf(setting).slice(2)] = { type };
  }
  try {
    return parseArgs({ args: [...argv], options, allowNegative: true, allowPositionals });
  } catch (error) {
    // Node's own words; what follows the first sentence is advice on `--`, which means nothing here.
    throw ConfigError.usage(firstLine(error).split('. ', 1)[0] ?? '');
  }
}

function actionOf(
  values: Record<string, unknown>,
  errand: keyof typeof ERRANDS | undefined,
): Arguments['action'] {
  if (values['help'] === true) return 'help';
  if (values['version'] === true) return 'version';
  if (errand !== undefined) return errand;
  return values['check-config'] === true ? 'check-config' : 'run';
}
