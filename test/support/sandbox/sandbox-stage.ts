import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { startGateway, type Gateway } from '../gateway.ts';
import { createTestSandbox, type TestSandbox, type TestSandboxOptions } from './test-sandbox.ts';

/** A sandbox and a gateway in front of it, while the tests of a file or of a `describe` run. */
export interface SandboxStage {
  readonly sandbox: TestSandbox;
  readonly gateway: Gateway;
}

/**
 * Sets up a stage before the tests around the call, and takes it down behind them; with `each`, for each test anew.
 *
 * The gateway takes its homeserver for the sandbox, unless the sandbox plays a kind: that one it has to recognise.
 */
export function useSandboxStage(
  options: { plays?: TestSandboxOptions['kind']; settings?: Partial<Config>; each?: true } = {},
): SandboxStage {
  const { plays, settings, each } = options;
  const stage: { sandbox?: TestSandbox; gateway?: Gateway } = {};
  const [before, after] = each === true ? [beforeEach, afterEach] : [beforeAll, afterAll];
  before(async () => {
    stage.sandbox = await createTestSandbox(plays && { kind: plays });
    const kind = plays === undefined && { homeserverKind: 'sandbox' as const };
    stage.gateway = await startGateway(stage.sandbox.url, { ...kind, ...settings });
  });
  after(async () => {
    await stage.gateway?.close();
    await stage.sandbox?.close();
  });
  return stage as SandboxStage;
}
