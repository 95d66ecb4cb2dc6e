// The process: arguments, settings, listening, signals, exit codes. What is listened with is app.ts.

import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import closeWithGrace from 'close-with-grace';
import type { Logger } from 'pino';
import { type App, createApp } from './app.ts';
import { type Config, readConfig } from './config/config.ts';
import { readArguments } from './config/arguments.ts';
import { ConfigError } from './config/config-error.ts';
import { helpText } from './config/describe.ts';
import { createLogger } from './http/logging.ts';

// The same from src/ and from dist/, which stand beside each other.
const DEFAULT_FILE = fileURLToPath(new URL('../config/hindsync.yaml', import.meta.url));
const PACKAGE_FILE = new URL('../package.json', import.meta.url);

const readText = (path: string): string => readFileSync(path, 'utf8');
const write = (text: string): boolean => process.stdout.write(text);
const print = (line: string): boolean => write(`${line}\n`);

async function main(argv: string[]): Promise<void> {
  const given = readArguments(argv);
  const { action, sandbox, demo, once } = given;
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string };
  if (action === 'help') return void print(helpText(version));
  if (action === 'version') return void print(version);

  if (action === 'usage') {
    const { runUsage } = await import('./operate/usage/command.ts');
    return runUsage({ urls: given.operands, json: given.json, write });
  }
  const sources = { argv, env: process.env, readFile: readText, defaultFile: DEFAULT_FILE };
  if (action === 'doctor') {
    const { runDoctor } = await import('./doctor.ts');
    if (!(await runDoctor({ sources, ...given, write }))) process.exitCode = 1;
    return;
  }
  const config = readConfig(sources);
  if (action === 'check-config') return void print('The settings are good.');

  const logger = await createLoggerFor(config);
  outliveErrors(logger);
  const running: Running = {};
  const { close } = drainOnSignal(running, config, logger);
  const { url, internalUrl } = await start(running, config, { sandbox, logger });
  if (!demo) return;
  const { runDemo } = await import('./demo/demo.ts');
  await runDemo({ gatewayUrl: url, internalUrl, once, write, useColours: process.stdout.isTTY });
  if (once) close();
}

/** All that has been started so far; a signal may end it at any moment. */
interface Running {
  sandbox?: { url: string; close(): Promise<void> };
  app?: App;
}

async function start(
  running: Running,
  config: Config,
  options: { sandbox: boolean; logger: Logger },
): Promise<{ url: string; internalUrl: string }> {
  const { logger } = options;
  if (options.sandbox) {
    // Not loaded where it is not used: it is for trying out.
    const { createSandbox } = await import('./sandbox/sandbox.ts');
    running.sandbox = await createSandbox();
  }
  const homeserver = running.sandbox && {
    homeserverUrl: running.sandbox.url,
    homeserverKind: 'sandbox' as const,
  };
  running.app = await createApp({ ...config, ...homeserver }, { logger });
  const { url, internalUrl } = await running.app.listen();
  print(`hindsync listening on ${url} (internal ${internalUrl})`);
  return { url, internalUrl };
}

// Errors are logged and outlived, and a crash is no wish to end: only what a person or a supervisor sends drains.
const NO_REASON_TO_DRAIN: closeWithGrace.AllEvents[] = [
  ...(['uncaughtException', 'unhandledRejection', 'beforeExit'] as const),
  ...(['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGUSR2'] as const),
];

/** Ends the process with 0 once the open requests are answered; a second signal ends it at once. */
function drainOnSignal(running: Running, config: Config, logger: Logger): { close: () => void } {
  // drain() keeps the deadline itself; this one is for a drain that fails to.
  const delay = config.drainDeadlineMs + 5_000;
  return closeWithGrace({ delay, logger, skip: NO_REASON_TO_DRAIN }, async ({ signal }) => {
    if (signal !== undefined) logger.info({ signal }, 'draining');
    await running.app?.drain();
    await running.sandbox?.close();
  });
}

/**
 * One caller's error never ends the others' requests: what nobody caught is logged, and the process lives on.
 *
 * @see docs/decisions/limits.md
 */
function outliveErrors(logger: Logger): void {
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => logger.error({ err: error }, 'uncaught exception'));
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, message, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const where = `${address ?? ''}:${port ?? ''}`;
  if (code === 'EADDRINUSE') return `cannot listen on ${where}: the port is in use by another process`;
  if (code === 'EACCES') return `cannot listen on ${where}: not permitted`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `cannot listen on ${where}: no such address here`;
  return String(message ?? error)
    .split('\n')
    .map((line) => line.trim())
    .join(' ');
}

/** Pretty lines where a person watches, whose library is loaded only then. */
async function createLoggerFor({ logLevel: level }: Config): Promise<Logger> {
  if (!process.stderr.isTTY) return createLogger({ level });
  const { createPrettyStream } = await import('./http/pretty-log.ts');
  return createLogger({ level, stream: createPrettyStream() });
}

/** Does what the arguments ask for. Ends the process with 1 for what cannot be done. */
export async function runCommand(argv: string[]): Promise<void> {
  try {
    await main(argv);
    // Code that was compiled for the first time is there at the next start.
    setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref();
  } catch (error) {
    process.stderr.write(`hindsync: ${explain(error)}\n`);
    process.exit(1);
  }
}

/** By then the first requests were answered, and the code for them compiled. */
const COMPILED_AFTER_MS = 5000;
