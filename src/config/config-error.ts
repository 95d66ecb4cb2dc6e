import { flagOf, type Setting, variableOf } from './settings.ts';

/** A start that cannot be made as asked: one line, which names the setting, the value, its origin, what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  static missing(setting: Setting<unknown>): ConfigError {
    const ways = `${flagOf(setting)}, ${variableOf(setting)} or ${setting.name} in the file`;
    return new ConfigError(
      `${setting.name} is not set: expected ${setting.type.expected}, by ${ways} (or --sandbox, to try without a homeserver)`,
    );
  }

  static invalid(setting: Setting<unknown>, value: unknown, from: string): ConfigError {
    return new ConfigError(
      `${setting.name} is ${show(value)} (from ${from}): expected ${setting.type.expected}`,
    );
  }

  static unknown(what: string, name: string): ConfigError {
    return new ConfigError(`unknown ${what}: ${show(name)}; hindsync --help lists all settings`);
  }

  static alone(given: Setting<unknown>, missing: Setting<unknown>): ConfigError {
    return new ConfigError(`${given.name} is set, but ${missing.name} is not: expected both or neither`);
  }

  static sunsetBeforeDeprecation(feature: string): ConfigError {
    return new ConfigError(
      `sunset_on has ${feature} before its date in deprecated_since: expected the same day or later`,
    );
  }

  static unusableFile(setting: Setting<unknown>, path: string, error: unknown): ConfigError {
    return new ConfigError(`${setting.name} is ${show(path)}, which cannot be used: ${firstLine(error)}`);
  }

  static unreadable(path: string, error: unknown): ConfigError {
    return new ConfigError(`the file ${path} cannot be read: ${firstLine(error)}`);
  }

  static usage(problem: string): ConfigError {
    return new ConfigError(`${problem}; see hindsync --help`);
  }
}

export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n', 1)[0] ?? '').replace(/:$/, '');
}

/** A value is recognised by its beginning, and the whole error stays one readable line. */
const SHOWN_CHARACTERS = 200;

// One line whatever was given, and no password of a URL.
function show(value: unknown): string {
  const text = (JSON.stringify(value) ?? String(value)).replace(/\/\/[^/\s]*@/g, '//***@');
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
