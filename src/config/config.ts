import { parse } from 'yaml';
import { type Arguments, readArguments } from './arguments.ts';
import { ConfigError } from './config-error.ts';
import { readMediaToken } from './media-token.ts';
import { SETTINGS, settings, type Setting, type SettingValues, variableOf } from './settings.ts';

/**
 * The gateway is told this at its start: each setting by its key in `SETTINGS`, which says what it means, and in
 * which unit.
 */
export interface Config extends SettingValues {
  /** The content of `mediaTokenFile`, no setting itself: an access token, not to be shown. */
  mediaToken: string | undefined;
}

export interface ConfigSources {
  /** The arguments, without the program's own name. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Throws as `readFileSync` does. */
  readFile: (path: string) => string;
  /** Read where nobody names a file; need not exist. */
  defaultFile?: string;
}

/**
 * Flags, environment and file → Config; what stands further left wins, and defaults fill the rest.
 *
 * Throws a `ConfigError` of one line for the first value that is not understood and for every unknown flag, variable
 * or key: a misspelt setting would otherwise be one that silently does not hold. An empty variable counts as unset.
 */
export function readConfig(sources: ConfigSources): Config {
  const given = readArguments(sources.argv);
  const layers = [
    fromFlags(given),
    fromEnvironment(sources.env),
    fromFile(given, sources),
    ownDefaults(given),
  ];
  const config: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    config[key] = readSetting(setting, layers, given);
  }
  const settled = config as unknown as SettingValues;
  checkSunsets(settled);
  return { ...settled, mediaToken: readMediaToken(settled, sources.readFile) };
}

/** Nothing ends before it is deprecated. @see https://www.rfc-editor.org/rfc/rfc9745#section-4 */
function checkSunsets({ deprecatedSince, sunsetOn }: Pick<Config, 'deprecatedSince' | 'sunsetOn'>): void {
  for (const [feature, date] of sunsetOn)
    if (date < (deprecatedSince.get(feature) ?? date)) throw ConfigError.sunsetBeforeDeprecation(feature);
}

/** A setting's name → what was given for it, and by whom. */
type Layer = ReadonlyMap<string, { value: unknown; from: string }>;

function readSetting(setting: Setting<unknown>, layers: readonly Layer[], given: Arguments): unknown {
  const found = layers.map((layer) => layer.get(setting.name)).find((each) => each !== undefined);
  if (found === undefined && setting.byDefault === undefined) {
    // The sandbox gives its address when it has started.
    if (given.sandbox) return '';
    throw ConfigError.missing(setting);
  }
  const { value, from } = found ?? { value: setting.byDefault, from: 'its default' };
  const result = setting.type.schema.safeParse(value);
  if (result.success) return result.data;
  throw ConfigError.invalid(setting, value, from);
}

function fromFlags({ flags }: Arguments): Layer {
  return new Map([...flags].map(([name, value]) => [name, { value, from: 'the command line' }]));
}

function fromEnvironment(env: ConfigSources['env']): Layer {
  const byVariable = new Map(settings.map((setting) => [variableOf(setting), setting.name]));
  const layer = new Map<string, { value: unknown; from: string }>();
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('HINDSYNC_') || value === undefined || value === '') continue;
    if (variable === 'HINDSYNC_CONFIG' || isServiceLink(variable, value)) continue;
    const name = byVariable.get(variable);
    if (name === undefined) throw ConfigError.unknown('environment variable', variable);
    layer.set(name, { value, from: variable });
  }
  return layer;
}

function fromFile(given: Arguments, { env, readFile, defaultFile }: ConfigSources): Layer {
  const named = given.configFile ?? (env['HINDSYNC_CONFIG'] || undefined);
  const path = named ?? defaultFile;
  if (path === undefined) return new Map();
  const names = new Set(settings.map(({ name }) => name));
  const layer = new Map<string, { value: unknown; from: string }>();
  for (const [name, value] of Object.entries(
    parseFile(path, readText(path, readFile, named === undefined)),
  )) {
    if (!names.has(name)) throw ConfigError.unknown(`key in ${path}`, name);
    layer.set(name, { value, from: path });
  }
  return layer;
}

/** The demo needs nothing of its machine: it takes free ports, and its story is not mixed with log lines. */
function ownDefaults({ demo }: Arguments): Layer {
  const free = { value: '127.0.0.1:0', from: 'the demo' };
  if (!demo) return new Map();
  return new Map([
    ['listen', free],
    ['internal_listen', free],
    ['log_level', { value: 'warn', from: 'the demo' }],
  ]);
}

function readText(path: string, readFile: ConfigSources['readFile'], mayBeAbsent: boolean): string {
  try {
    return readFile(path);
  } catch (error) {
    if (mayBeAbsent && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw ConfigError.unreadable(path, error);
  }
}

function parseFile(path: string, content: string): object {
  let value: unknown;
  try {
    value = parse(content);
  } catch (error) {
    throw ConfigError.unreadable(path, error);
  }
  // A file of comments only.
  if (value === null || value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw ConfigError.unreadable(path, new Error('expected lines of the form "setting: value"'));
}

/**
 * Whether it is one of the variables that Kubernetes sets in every pod for a service that is called `hindsync`, such
 * as `HINDSYNC_SERVICE_HOST` and `HINDSYNC_PORT=tcp://…`: nobody's misspelt setting.
 */
function isServiceLink(variable: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(variable) ||
    /_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(variable) ||
    (variable.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value))
  );
}
