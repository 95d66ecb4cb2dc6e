// nginx and Apache as operators run them, on a free port of this machine.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ReverseProxy {
  url: string;
  close(): Promise<void>;
}

/** The lines of a `server { … }` → nginx with one worker. */
export function startNginx(server: string, files: Record<string, string> = {}): Promise<ReverseProxy> {
  return start({
    program: '/usr/sbin/nginx',
    files,
    toArguments: (folder, config) => ['-p', folder, '-c', config, '-e', 'stderr'],
    toConfig: (port) => `
      daemon off; master_process off; pid nginx.pid; error_log stderr; worker_rlimit_nofile 1024;
      events { worker_connections 256; }
      http {
        access_log off; client_body_temp_path body; proxy_temp_path proxy;
        fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        ${server.replace(/listen \d+;/, `listen 127.0.0.1:${port};`)}
      }`,
  });
}

const MODULES = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers', 'reqtimeout'];

/** The lines of a `<VirtualHost>` → Apache in one process. */
export function startApache(host: string): Promise<ReverseProxy> {
  return start({
    program: '/usr/sbin/apache2',
    files: {},
    toArguments: (_folder, config) => ['-X', '-f', config],
    toConfig: (port, folder) => `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
User nobody
Group nogroup
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ThreadsPerChild 64
MaxRequestWorkers 64
<VirtualHost 127.0.0.1:${port}>
${host}
</VirtualHost>
`,
  });
}

/** The block of configuration in the README that this comment stands above. */
export async function exampleInReadme(name: string): Promise<string> {
  const text = await readFile(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const block = new RegExp(`<!-- ${name} -->\n\`\`\`nginx\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (block === undefined) throw new Error(`no ${name} in the README`);
  return block;
}

export const exampleFile = (path: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url)), 'utf8');

async function start(how: {
  program: string;
  files: Record<string, string>;
  toArguments: (folder: string, config: string) => string[];
  toConfig: (port: number, folder: string) => string;
}): Promise<ReverseProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'hindsync-proxy-'));
  const port = await freePort();
  const config = join(folder, 'proxy.conf');
  await writeFile(config, how.toConfig(port, folder));
  for (const [name, text] of Object.entries(how.files)) await writeFile(join(folder, name), text);
  const child = spawn(how.program, how.toArguments(folder, config), { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'exit');
  const endWithUs = (): boolean => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  await untilOpen(port, async () => {
    if (child.exitCode === null) return;
    const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '');
    throw new Error(`${how.program}: ${output}${log}`);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      process.off('exit', endWithUs);
      child.kill('SIGTERM');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

async function untilOpen(port: number, checkAlive: () => Promise<void>): Promise<void> {
  for (;;) {
    await checkAlive();
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
