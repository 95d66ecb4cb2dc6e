import { ConfigError } from './config-error.ts';
import { SETTINGS } from './settings.ts';

/**
 * The two settings for media without an access token → the token in the file, blanks around it taken off; undefined
 * where neither is given. Read here alone, once.
 *
 * Throws a `ConfigError` for one without the other, and for a file that cannot be read or holds anything but one token,
 * of which it shows nothing.
 */
export function readMediaToken(
  {
    mediaTokenFile,
    mediaTokenNetworks,
  }: { mediaTokenFile: string | undefined; mediaTokenNetworks: string[] },
  readFile: (path: string) => string,
): string | undefined {
  const { mediaTokenFile: file, mediaTokenNetworks: networks } = SETTINGS;
  if (mediaTokenFile === undefined) {
    if (mediaTokenNetworks.length === 0) return undefined;
    throw ConfigError.alone(networks, file);
  }
  if (mediaTokenNetworks.length === 0) throw ConfigError.alone(file, networks);
  let token: string;
  try {
    token = readFile(mediaTokenFile).trim();
  } catch (error) {
    throw ConfigError.unusableFile(file, mediaTokenFile, error);
  }
  // What a header can carry behind `Bearer `.
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw ConfigError.unusableFile(
    file,
    mediaTokenFile,
    new Error('expected one access token and nothing else'),
  );
}
