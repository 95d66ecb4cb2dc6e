import type { IncomingMessage } from 'node:http';
import { destination, type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { withoutAccessToken, withoutSecrets } from './redaction.ts';

export { withoutAccessToken } from './redaction.ts';

export interface LoggerOptions {
  level: string;
  /** The lines go here; by default to standard error. */
  stream?: DestinationStream;
}

/**
 * Builds the one logger: it writes a line of JSON each; for a person who watches, `pretty-log.ts` makes them pretty.
 *
 * On stderr, because stdout has one promise to keep: the line that says where the gateway listens, for whoever starts
 * it and waits for that line. Containers collect both. Written at once, so that a crash takes no line along.
 *
 * No access token gets into it, three times over: requests are logged by `requestForLog`, headers are redacted
 * wherever an object has them, and every finished line is searched for what looks like a secret.
 */
export function createLogger({ level, stream = destination({ fd: 2, sync: true }) }: LoggerOptions): Logger {
  return pino(
    {
      level,
      serializers: { req: requestForLog, err: errorForLog },
      redact: { paths: SECRET_HEADERS, censor: '***' },
      hooks: { streamWrite: withoutSecrets },
    },
    stream,
  );
}

const SECRET_HEADERS = ['', '*.', '*.*.']
  .map((depth) => `${depth}headers`)
  .flatMap((headers) => [`${headers}.authorization`, `${headers}.Authorization`, `${headers}.cookie`]);

/** Request → what a log line says of it. Its headers are left out: no list of the harmless ones stays complete. */
function requestForLog(request: { method?: string; url?: string; raw?: IncomingMessage }): object {
  const { method, url } = request.raw ?? request;
  return { method, url: withoutAccessToken(url ?? '') };
}

function errorForLog(error: Error): object {
  const { type, message, stack } = stdSerializers.err(error);
  const code = (error as NodeJS.ErrnoException).code;
  return { type, message, stack, ...(code !== undefined && { code }) };
}
