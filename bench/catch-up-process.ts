// One process of the catch-up bench: the sandbox with its history, or the gateway in front of it.

import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config/config.ts';
import { createLogger } from '../src/http/logging.ts';
import { keepMemoryFlat } from '../src/operate/memory.ts';
import { createSandbox } from '../src/sandbox/sandbox.ts';
import { readPeakMemory } from '../test/support/peak-memory.ts';

const [role, homeserverUrl = '', ...flags] = process.argv.slice(2);
const ready = (message: object): void => void process.send?.(message);

if (role === 'homeserver') {
  const { homeserver, url } = await createSandbox();
  const host = homeserver.createUser('host');
  const me = homeserver.createUser('me');
  const { accessToken } = homeserver.login(me);
  process.on('message', ({ rooms, events }: { rooms: number; events: number }) => {
    const ids = Array.from({ length: rooms }, () => homeserver.createRoom(host, { preset: 'public_chat' }));
    for (const roomId of ids) homeserver.join(me, roomId);
    ready({ isReady: true, ids });
    process.once('message', () => {
      for (let i = 0; i < events; i += 1) {
        const roomId = ids[i % rooms];
        if (roomId !== undefined)
          homeserver.say(host, roomId, `Message ${i}, of about the length that people write.`);
      }
      ready({ isReady: true });
    });
  });
  ready({ isReady: true, url, accessToken });
} else {
  keepMemoryFlat();
  const argv = [
    '--homeserver-url',
    homeserverUrl,
    '--listen',
    '127.0.0.1:0',
    '--internal-listen',
    '127.0.0.1:0',
  ];
  const config = readConfig({
    argv: [...argv, '--homeserver-kind', 'sandbox', ...flags],
    env: {},
    readFile: () => '',
  });
  const app = await createApp(config, { logger: createLogger({ level: 'warn' }) });
  const { url } = await app.listen();
  process.on('message', () => ready({ rss: process.memoryUsage.rss(), peak: readPeakMemory() }));
  ready({ isReady: true, url });
}

// Also where the bench itself was ended; and so that a profile is written.
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
