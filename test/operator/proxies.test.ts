// What the doctor says of reverse proxies as they should be, and with each of their most common faults.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/operate/doctor/finding.ts';
import { checkProxy } from '../../src/operate/doctor/proxy-checks.ts';
import { createTestSandbox } from '../support/sandbox/test-sandbox.ts';
import { startGateway, type Gateway } from '../support/gateway.ts';
import {
  exampleFile,
  exampleInReadme,
  startApache,
  startNginx,
  type ReverseProxy,
} from '../support/reverse-proxies.ts';

let sandbox: Awaited<ReturnType<typeof createTestSandbox>>;
let gateway: Gateway;
let proxy: ReverseProxy | undefined;

beforeAll(async () => {
  sandbox = await createTestSandbox();
  gateway = await startGateway(sandbox.url);
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
});
afterAll(async () => {
  await gateway.close();
  await sandbox.close();
});

const MB = 1024 * 1024;

/** The ports of the examples → those of this test. */
const here = (config: string): string =>
  config
    .replaceAll('http://127.0.0.1:8009', gateway.url)
    .replaceAll('http://127.0.0.1:8008', sandbox.url)
    .replaceAll('127.0.0.1:9009', new URL(gateway.internalUrl).host);

async function examine(started: ReverseProxy, internalUrl = gateway.internalUrl): Promise<Finding[]> {
  proxy = started;
  return checkProxy({
    publicUrl: started.url,
    internalUrl,
    deadlineMs: 5000,
    pollsMs: [300, 2200],
    uploadBytes: 60 * MB,
  });
}

const faults = (findings: readonly Finding[]) =>
  findings
    .filter(({ verdict }) => verdict === 'wrong' || verdict === 'look')
    .map(({ verdict, what, says }) => ({ verdict, what, says }));

/** A fault: what is changed in the example that is right, and what the doctor says. */
interface Fault {
  fault: string;
  change: (config: string) => string;
  expected: { verdict: 'look' | 'wrong'; what: string; says: RegExp };
  /** Whatever else comes of the same fault. */
  besides?: string[];
}

async function expectFault(findings: readonly Finding[], { expected, besides = [] }: Fault): Promise<void> {
  const found = faults(findings);
  const about = found.filter(({ what }) => what === expected.what);
  expect(about).toEqual([{ ...expected, says: expect.stringMatching(expected.says) }]);
  expect(found.map(({ what }) => what).filter((what) => what !== expected.what)).toEqual(besides);
}

const without = (text: string | RegExp) => (config: string) => {
  const changed = config.replace(text, '');
  expect(changed).not.toBe(config);
  return changed;
};
const replaced = (text: string | RegExp, by: string) => (config: string) => {
  const changed = config.replace(text, by);
  expect(changed).not.toBe(config);
  return changed;
};

describe('nginx', () => {
  test('as in the README, in front of everything -> all is well', async () => {
    const findings = await examine(await startNginx(here(await exampleInReadme('nginx:everything'))));
    expect(faults(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'paths', says: expect.stringMatching(/in front of everything/) }),
    );
  });

  test('as in the README, legacy paths only -> all is well', async () => {
    const everything = await exampleInReadme('nginx:everything');
    const lines = [...everything.matchAll(/^ +(?:proxy_(?!pass)|client_max).*$/gm)].map(([line]) => line);
    const findings = await examine(
      await startNginx(here(await exampleInReadme('nginx:legacy')), {
        'hindsync_proxy.conf': lines.join('\n'),
      }),
    );
    expect(faults(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'paths', says: expect.stringMatching(/Legacy paths only/) }),
    );
  });

  test.each<Fault>([
    {
      fault: 'a path in proxy_pass',
      change: replaced('8009;', '8009/;'),
      expected: {
        verdict: 'wrong',
        what: 'ids',
        says: /%21doctor%3Aexample.org.* arrives as .*!doctor:example.org/,
      },
    },
    {
      fault: 'a short read timeout',
      change: replaced('proxy_read_timeout 11m', 'proxy_read_timeout 1500ms'),
      expected: {
        verdict: 'wrong',
        what: 'long polls',
        says: /of 2.2 s is cut after 1(\.\d)? s \(status 504\)/,
      },
    },
    {
      fault: 'the small bodies of its default',
      change: without('client_max_body_size 100m;'),
      expected: { verdict: 'wrong', what: 'uploads', says: /60 MB is refused/ },
    },
    {
      fault: 'answers held back',
      change: without('proxy_buffering off;'),
      expected: { verdict: 'look', what: 'buffering', says: /holds answers back/ },
    },
    {
      fault: 'uploads held back',
      change: without('proxy_request_buffering off;'),
      expected: { verdict: 'look', what: 'uploads', says: /only once the proxy has all of it/ },
    },
    {
      fault: 'no X-Forwarded-For',
      change: without('proxy_set_header X-Forwarded-For $remote_addr;'),
      expected: { verdict: 'wrong', what: 'client address', says: /anybody can claim any address/ },
    },
    {
      fault: 'no Host',
      change: without('proxy_set_header Host $http_host;'),
      expected: { verdict: 'look', what: 'Host', says: /arrives as 127\.0\.0\.1:\d+/ },
    },
    {
      fault: 'CORS headers of its own',
      change: replaced(
        'proxy_buffering off;',
        'proxy_buffering off; add_header Access-Control-Allow-Origin * always;',
      ),
      expected: { verdict: 'wrong', what: 'CORS', says: /comes twice/ },
    },
    {
      fault: 'a query that is dropped',
      change: replaced('location / {', 'location / { if ($args ~ access_token) { set $args ""; }'),
      expected: { verdict: 'wrong', what: 'access tokens', says: /\?access_token= in the query/ },
    },
    {
      fault: 'a path that is left out',
      change: replaced('location / {', 'location /_matrix/client/r0/ { return 404; } location / {'),
      expected: {
        verdict: 'wrong',
        what: 'paths',
        says: /do not reach Hindsync: \/_matrix\/client\/r0\/initialSync/,
      },
      besides: ['ids'],
    },
    {
      fault: 'the internal listener passed on',
      change: replaced('location / {', 'location /doctor { proxy_pass http://127.0.0.1:9009; } location / {'),
      expected: { verdict: 'wrong', what: 'internal listener', says: /the proxy passes .* on to it/ },
    },
  ])('with $fault -> that, and nothing else', async (fault) => {
    const config = fault.change(await exampleInReadme('nginx:everything'));
    await expectFault(await examine(await startNginx(here(config))), fault);
  });

  test('that passes to the homeserver alone -> nothing reaches Hindsync', async () => {
    const config = (await exampleInReadme('nginx:everything')).replaceAll('8009', '8008');
    expect(faults(await examine(await startNginx(here(config))))).toEqual([
      {
        verdict: 'wrong',
        what: 'paths',
        says: expect.stringMatching(/nothing reaches Hindsync: .* gives status 4\d\d/),
      },
    ]);
  });
});

describe('Apache', () => {
  test.each(['everything', 'legacy-paths'])('as in deploy/apache/%s.conf -> all is well', async (name) => {
    const findings = await examine(await startApache(here(await exampleFile(`apache/${name}.conf`))));
    expect(faults(findings)).toEqual([]);
  });

  test.each<Fault>([
    {
      fault: 'canonical paths, as nocanon is missing',
      change: without(' nocanon timeout=660'),
      expected: { verdict: 'wrong', what: 'ids', says: /arrives as/ },
    },
    {
      fault: 'no slashes in ids',
      change: without('AllowEncodedSlashes NoDecode'),
      expected: {
        verdict: 'wrong',
        what: 'ids',
        says: /%24a%2Fb is answered by the proxy itself \(status 404\)/,
      },
    },
    {
      fault: 'a short timeout',
      change: replaced('timeout=660', 'timeout=1'),
      expected: { verdict: 'wrong', what: 'long polls', says: /of 2.2 s is cut after 1(\.\d)? s/ },
    },
    {
      fault: 'no ProxyPreserveHost',
      change: without('ProxyPreserveHost On'),
      expected: { verdict: 'look', what: 'Host', says: /arrives as 127\.0\.0\.1:\d+/ },
    },
  ])('with $fault -> that, and nothing else', async (fault) => {
    const config = fault.change(await exampleFile('apache/everything.conf'));
    await expectFault(await examine(await startApache(here(config))), fault);
  });
});

test('a gateway that does not run -> says where it was looked for', async () => {
  const started = await startNginx(here(await exampleInReadme('nginx:everything')));
  expect(faults(await examine(started, 'http://127.0.0.1:9'))).toEqual([
    {
      verdict: 'wrong',
      what: 'internal listener',
      says: 'http://127.0.0.1:9: nobody listens at this address',
    },
  ]);
});
