// `hindsync doctor`: reads the settings, and puts together what is looked at.

import { pino } from 'pino';
import { createApp } from './app.ts';
import { type Config, type ConfigSources, readConfig } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import { connectTo } from './homeserver/connections.ts';
import { createHttpHomeserver } from './homeserver/http-homeserver.ts';
import { createKindReader } from './homeserver/kinds/recognise.ts';
import type { Milliseconds } from './matrix/identifiers.ts';
import { good, wrong, type Finding } from './operate/doctor/finding.ts';
import { checkHomeserver } from './operate/doctor/homeserver-checks.ts';
import { checkLegacyEndpoints } from './operate/doctor/legacy-checks.ts';
import { checkProxy } from './operate/doctor/proxy-checks.ts';
import { isWell, toJson, toText } from './operate/doctor/report.ts';

export interface DoctorOptions {
  sources: ConfigSources;
  /** The address at which clients meet the reverse proxy; without it no proxy is tried. */
  publicUrl: string | undefined;
  /** A file with an access token; without it no legacy endpoint is tried. */
  accessTokenFile: string | undefined;
  json: boolean;
  write: (text: string) => unknown;
  /** How long each short request may take. */
  deadlineMs?: Milliseconds;
}

const DEADLINE_MS: Milliseconds = 10_000;
/** nginx and Apache end a request after 60 s of silence, others after 30. */
const POLLS_MS: readonly Milliseconds[] = [35_000, 70_000];
const UPLOAD_BYTES = 60 * 1024 * 1024;

/** Looks at everything that can be looked at, and writes what was found. Returns whether all is well. */
export async function runDoctor(options: DoctorOptions): Promise<boolean> {
  const findings = await examine(options);
  options.write(options.json ? toJson(findings) : toText(findings));
  return isWell(findings);
}

async function examine({
  sources,
  publicUrl,
  accessTokenFile,
  deadlineMs = DEADLINE_MS,
}: DoctorOptions): Promise<Finding[]> {
  let config: Config;
  let accessToken: string | undefined;
  try {
    config = readConfig(sources);
    accessToken = accessTokenFile && sources.readFile(accessTokenFile).trim();
  } catch (error) {
    const says = error instanceof ConfigError ? error.message : `${accessTokenFile} cannot be read`;
    return [wrong('settings', says, 'hindsync --help lists all settings')];
  }
  const { homeserverUrl } = config;
  const findings = [good('settings', 'are understood')];
  const readKind = (): Promise<string> => kindOf(config);
  const homeserver = await checkHomeserver({ homeserverUrl, readKind, deadlineMs });
  findings.push(...homeserver);
  if (accessToken !== undefined && isWell(homeserver))
    findings.push(...(await tryEndpoints(config, accessToken)));
  if (publicUrl !== undefined) {
    const internalUrl = internalUrlOf(config);
    const proxy = { publicUrl, internalUrl, deadlineMs, pollsMs: POLLS_MS, uploadBytes: UPLOAD_BYTES };
    findings.push(...(await checkProxy(proxy)));
  }
  return findings;
}

/** Returns the address of a gateway with these settings on its own machine. */
function internalUrlOf({ internalListen: { host, port } }: Config): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

async function kindOf(config: Config): Promise<string> {
  const connections = connectTo(config.homeserverUrl, config);
  try {
    const homeserver = createHttpHomeserver({ ...config, connections });
    const { kind } = createKindReader({ homeserver, setting: config.homeserverKind, onUnknown: () => {} });
    return (await kind()).name;
  } finally {
    await connections.destroy();
  }
}

/** Asks a gateway of its own, so that no other one has to run. */
async function tryEndpoints(config: Config, accessToken: string): Promise<Finding[]> {
  const anyPort = { host: '127.0.0.1', port: 0 };
  const own = { ...config, listen: anyPort, internalListen: anyPort, drainDeadlineMs: 1000 };
  const app = await createApp(own, { logger: pino({ level: 'silent' }) });
  try {
    const { url: origin } = await app.listen();
    return await checkLegacyEndpoints({ origin, accessToken, deadlineMs: config.initialSyncDeadlineMs });
  } finally {
    await app.drain();
  }
}
