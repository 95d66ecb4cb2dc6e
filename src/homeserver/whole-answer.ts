import type { Dispatcher } from 'undici';
import type { Milliseconds } from '../matrix/identifiers.ts';
import { AnswerTooLarge, AnswerTooLate, isStatus, OddStatus } from './network-errors.ts';

/** An answer that was read whole. */
export interface WholeAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/**
 * Sends a request and reads its answer whole, whatever its status, up to `limit` bytes.
 *
 * By undici's `dispatch`, without a stream for the body: most calls are small, and a catch-up makes thousands of them one
 * after the other, so what each costs besides the homeserver's own time is what the client waits for.
 * Rejects with the signal's reason, an `AnswerTooLate` after `deadlineMs`, an `AnswerTooLarge`, or what undici says.
 */
export function readWholeAnswer(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  options: { deadlineMs: Milliseconds; limit: number; signal: AbortSignal | undefined },
): Promise<WholeAnswer> {
  const { signal, limit, deadlineMs } = options;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let headers: WholeAnswer['headers'] = {};
    let controller: Dispatcher.DispatchController | undefined;
    let reason: Error | undefined;

    const stop = (error: Error): void => {
      reason ??= error;
      controller?.abort(reason);
    };
    const onAbort = (): void => stop(signal?.reason as Error);
    const timer = setTimeout(() => stop(new AnswerTooLate()), deadlineMs);
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted === true) {
      end();
      reject(signal.reason as Error);
      return;
    }
    signal?.addEventListener('abort', onAbort);
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started;
        if (reason !== undefined) started.abort(reason);
      },
      onResponseStart: (_controller, responseStatus, responseHeaders) => {
        if (responseStatus < 200) return;
        if (!isStatus(responseStatus)) stop(new OddStatus());
        status = responseStatus;
        headers = responseHeaders;
      },
      onResponseData: (_controller, chunk) => {
        size += chunk.length;
        if (size > limit) stop(new AnswerTooLarge());
        else chunks.push(chunk);
      },
      onResponseEnd: () => {
        end();
        const [only] = chunks;
        resolve({
          status,
          headers,
          body: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size),
        });
      },
      onResponseError: (_controller, error) => {
        end();
        reject(reason ?? error);
      },
    };
    try {
      dispatcher.dispatch(request, handler);
    } catch (error) {
      end();
      reject(error as Error);
    }
  });
}
