// The gateway in the test's own process, in front of whatever listens at a URL.

import { createApp } from '../../src/app.ts';
import { readConfig, type Config } from '../../src/config/config.ts';
import { createLogger } from '../../src/http/logging.ts';

export interface Gateway {
  url: string;
  internalUrl: string;
  close(): Promise<void>;
}

/** Starts it on free ports, with the defaults of all settings that are not given. */
export async function startGateway(homeserverUrl: string, settings: Partial<Config> = {}): Promise<Gateway> {
  const argv = ['--homeserver-url', homeserverUrl];
  const byDefault = readConfig({ argv, env: {}, readFile: () => '' });
  const anyPort = { host: '127.0.0.1', port: 0 };
  const config = {
    ...byDefault,
    listen: anyPort,
    internalListen: anyPort,
    drainDeadlineMs: 100,
    ...settings,
  };
  const app = await createApp(config, { logger: createLogger({ level: 'silent' }) });
  return { ...(await app.listen()), close: () => app.drain() };
}
