import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { startGateway, type Gateway } from './gateway.ts';
import { startJsonUpstream, type JsonUpstream } from './json-upstream.ts';

/** A homeserver that answers what a test says, and a gateway in front of it, while the tests of a file run. */
export interface UpstreamStage {
  readonly upstream: JsonUpstream;
  readonly gateway: Gateway;
}

/** Sets the stage up before a file's tests and takes it down behind them; before each test nothing was asked. */
export function useUpstreamStage(settings: Partial<Config> = {}): UpstreamStage {
  const stage: { upstream?: JsonUpstream; gateway?: Gateway } = {};
  beforeAll(async () => {
    stage.upstream = await startJsonUpstream();
    stage.gateway = await startGateway(stage.upstream.url, settings);
  });
  afterAll(async () => {
    await stage.gateway?.close();
    await stage.upstream?.close();
  });
  beforeEach(() => {
    if (stage.upstream !== undefined) Object.assign(stage.upstream, { answers: {}, onRequest: () => {} });
    stage.upstream?.received.splice(0);
  });
  return stage as UpstreamStage;
}
