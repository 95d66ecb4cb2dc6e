import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Config, readConfig } from '../../src/config/config.ts';
import { readArguments } from '../../src/config/arguments.ts';
import { helpText } from '../../src/config/describe.ts';
import { flagOf, settings, variableOf } from '../../src/config/settings.ts';
import { defaultFile, settingsPage } from '../support/docs/settings-docs.ts';

const HOMESERVER = ['--homeserver-url', 'http://127.0.0.1:8008'];

const DEFAULTS: Config = {
  homeserverUrl: 'http://127.0.0.1:8008',
  listen: { host: '127.0.0.1', port: 8009 },
  internalListen: { host: '127.0.0.1', port: 9009 },
  logLevel: 'info',
  homeserverKind: 'auto',
  cacheSize: 64 * 1024 * 1024,
  passPaths: ['/_matrix/', '/_synapse/client/', '/.well-known/matrix/', '/health'],
  trustedProxies: ['loopback'],
  mediaTokenFile: undefined,
  mediaTokenNetworks: [],
  mediaToken: undefined,
  v2AlphaSync: 'draft',
  v2AlphaModernClients: [],
  hostHeader: 'client',
  homeserverConnections: 512,
  homeserverPolls: 16_384,
  connectionWaitMs: 30_000,
  keepAliveTimeoutMs: 130_000,
  eventsLimit: 500,
  maxPollTimeoutMs: 600_000,
  pollsPerSession: 4,
  maxInitialSyncs: 8,
  initialSyncQueueMs: 60_000,
  stalledReaderMs: 60_000,
  callDeadlineMs: 60_000,
  passDeadlineMs: 600_000,
  answerIdleMs: 60_000,
  peekFastestMs: 1_000,
  peekSlowestMs: 5_000,
  pollMarginMs: 30_000,
  initialSyncDeadlineMs: 600_000,
  visibilityWaitMs: 2_000,
  drainDeadlineMs: 10_000,
  compare: 'off',
  compareShare: 0.01,
  compareSamplesDir: undefined,
  deprecatedSince: new Map(),
  sunsetOn: new Map(),
  sunsetLink: undefined,
  sunsetAnswer: 'serve',
  sunsetWords: 'This part of the Matrix API ends here; please use a newer client',
  brownout: undefined,
  usageFile: undefined,
  usageUserIds: false,
  refuseSharedDevices: false,
};

interface Given {
  argv?: string[];
  env?: Record<string, string>;
  files?: Record<string, string>;
}

/** Reads what is given, on a machine that has only these files; the default file is `default.yaml`. */
function read({ argv = [], env = {}, files = {} }: Given): Config {
  const readFile = (path: string): string => {
    const content = files[path];
    if (content !== undefined) return content;
    throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT' });
  };
  return readConfig({ argv, env, readFile, defaultFile: 'default.yaml' });
}

const errorOf = (given: Given): string => {
  try {
    read(given);
  } catch (error) {
    return String(error);
  }
  return 'no error';
};

describe('precedence', () => {
  test('when only the homeserver is given -> all else is as by default', () => {
    expect(read({ argv: HOMESERVER })).toEqual(DEFAULTS);
  });

  const file = 'homeserver_url: http://file\nevents_limit: 3\nlisten: 127.0.0.3:3\n';
  const variables = { HINDSYNC_HOMESERVER_URL: 'http://env', HINDSYNC_EVENTS_LIMIT: '2' };
  test.each([
    {
      name: 'flag, variable and file',
      given: { argv: HOMESERVER, env: variables },
      url: 'http://127.0.0.1:8008',
      limit: 2,
    },
    { name: 'variable and file', given: { env: variables }, url: 'http://env', limit: 2 },
    { name: 'file alone', given: {}, url: 'http://file', limit: 3 },
    {
      name: 'an empty variable',
      given: { env: { HINDSYNC_EVENTS_LIMIT: '' } },
      url: 'http://file',
      limit: 3,
    },
  ])('when given by $name -> the first that says so wins', ({ given, url, limit }) => {
    const config = read({ ...given, files: { 'default.yaml': file } });
    expect(config).toMatchObject({ homeserverUrl: url, eventsLimit: limit, listen: { port: 3 } });
  });

  test('when a file is named by flag and variable -> the flag wins, and the default file is not read', () => {
    const files = { 'a.yaml': 'events_limit: 1', 'b.yaml': 'events_limit: 2', 'default.yaml': 'junk: 1' };
    const env = { HINDSYNC_CONFIG: 'b.yaml' };
    expect(read({ argv: [...HOMESERVER, '--config', 'a.yaml'], env, files }).eventsLimit).toBe(1);
    expect(read({ argv: HOMESERVER, env, files }).eventsLimit).toBe(2);
  });

  test('when the sandbox stands in -> no homeserver is needed', () => {
    expect(read({ argv: ['--sandbox'] }).homeserverUrl).toBe('');
  });

  test('when the demo runs -> it takes free ports and is not mixed with log lines, unless told otherwise', () => {
    expect(read({ argv: ['--demo'] })).toMatchObject({ listen: { port: 0 }, logLevel: 'warn' });
    expect(read({ argv: ['--demo', '--listen', '127.0.0.1:5'] }).listen.port).toBe(5);
  });
});

describe('values', () => {
  test.each<{ flag: string; text: string; key: keyof Config; expected: unknown }>([
    {
      flag: 'homeserver-url',
      text: 'HTTPS://Example.ORG',
      key: 'homeserverUrl',
      expected: 'https://example.org',
    },
    {
      flag: 'homeserver-url',
      text: 'http://[::1]:8008/',
      key: 'homeserverUrl',
      expected: 'http://[::1]:8008',
    },
    {
      flag: 'homeserver-url',
      text: 'unix:/run/hs.sock',
      key: 'homeserverUrl',
      expected: 'unix:/run/hs.sock',
    },
    { flag: 'listen', text: '[::]:0', key: 'listen', expected: { host: '::', port: 0 } },
    { flag: 'listen', text: 'localhost:65535', key: 'listen', expected: { host: 'localhost', port: 65_535 } },
    { flag: 'cache-size', text: '1.5 GiB', key: 'cacheSize', expected: 1.5 * 1024 ** 3 },
    { flag: 'cache-size', text: '2097152', key: 'cacheSize', expected: 2 * 1024 ** 2 },
    { flag: 'max-poll-timeout', text: '1 h', key: 'maxPollTimeoutMs', expected: 3_600_000 },
    { flag: 'max-poll-timeout', text: '10min', key: 'maxPollTimeoutMs', expected: 600_000 },
    { flag: 'max-poll-timeout', text: '2500', key: 'maxPollTimeoutMs', expected: 2_500 },
    { flag: 'drain-deadline', text: '0', key: 'drainDeadlineMs', expected: 0 },
    { flag: 'polls-per-session', text: 'off', key: 'pollsPerSession', expected: Number.POSITIVE_INFINITY },
    { flag: 'pass-paths', text: '/_matrix/, /x', key: 'passPaths', expected: ['/_matrix/', '/x'] },
    { flag: 'pass-paths', text: 'none', key: 'passPaths', expected: [] },
    {
      flag: 'trusted-proxies',
      text: '10.0.0.0/8,::1',
      key: 'trustedProxies',
      expected: ['10.0.0.0/8', '::1'],
    },
    { flag: 'homeserver-kind', text: 'synapse', key: 'homeserverKind', expected: 'synapse' },
    {
      flag: 'sunset-on',
      text: 'r0=2027-06-30, events = 2027-01-01T12:00:00Z',
      key: 'sunsetOn',
      expected: new Map([
        ['r0', Date.UTC(2027, 5, 30)],
        ['events', Date.UTC(2027, 0, 1, 12)],
      ]),
    },
    {
      flag: 'brownout',
      text: '30 9 * * 2 for 10 min',
      key: 'brownout',
      expected: { cron: '30 9 * * 2', lengthMs: 600_000 },
    },
    { flag: 'compare-share', text: '12.5%', key: 'compareShare', expected: 0.125 },
    { flag: 'sunset-link', text: 'https://a/b?c=d', key: 'sunsetLink', expected: 'https://a/b?c=d' },
  ])('when --$flag is $text -> $expected', ({ flag, text, key, expected }) => {
    expect(read({ argv: [...HOMESERVER, `--${flag}`, text] })[key]).toEqual(expected);
  });

  test('when the file has numbers, lists and booleans -> they are taken as such', () => {
    const content =
      'homeserver_url: http://a\npass_paths: [/_matrix/]\ncall_deadline: 5000\nrefuse_shared_devices: true\ntrusted_proxies: []';
    expect(read({ files: { 'default.yaml': content } })).toMatchObject({
      passPaths: ['/_matrix/'],
      callDeadlineMs: 5_000,
      refuseSharedDevices: true,
      trustedProxies: [],
    });
  });

  test('when all features have a date, and one another -> each has its own, but previews have none', () => {
    const content = 'homeserver_url: http://a\nsunset_on:\n  all: 2027-01-01\n  r0: 2027-06-30T00:00Z';
    const { sunsetOn } = read({ files: { 'default.yaml': content } });
    expect(sunsetOn.get('r0')).toBe(Date.UTC(2027, 5, 30));
    expect(sunsetOn.get('query-token')).toBe(Date.UTC(2027, 0, 1));
    expect([...sunsetOn.keys()]).not.toContain('peek-events');
  });

  test('when a switch is given or negated as a flag -> true, false', () => {
    const env = { HINDSYNC_REFUSE_SHARED_DEVICES: 'true' };
    expect(read({ argv: [...HOMESERVER, '--refuse-shared-devices'] }).refuseSharedDevices).toBe(true);
    expect(read({ argv: HOMESERVER, env }).refuseSharedDevices).toBe(true);
    expect(read({ argv: [...HOMESERVER, '--no-refuse-shared-devices'], env }).refuseSharedDevices).toBe(
      false,
    );
  });
});

describe('refusals', () => {
  test.each<{ name: string; given: Given; expected: RegExp }>([
    {
      name: 'nothing',
      given: {},
      expected: /homeserver_url is not set: expected http.*HINDSYNC_HOMESERVER_URL/,
    },
    {
      name: 'an unknown flag',
      given: { argv: ['--junk'] },
      expected: /Unknown option '--junk'; see hindsync --help/,
    },
    { name: 'a stray word', given: { argv: ['junk'] }, expected: /Unexpected argument 'junk'/ },
    {
      name: 'a flag without value',
      given: { argv: ['--listen'] },
      expected: /'--listen <value>' argument missing/,
    },
    {
      name: 'two flags run together',
      given: { argv: ['--listen', '--sandbox'] },
      expected: /--listen.*ambiguous/,
    },
    { name: '--once alone', given: { argv: ['--once'] }, expected: /--once goes with --demo/ },
    {
      name: 'an unknown variable',
      given: { argv: HOMESERVER, env: { HINDSYNC_LISTENN: 'x' } },
      expected: /unknown environment variable: "HINDSYNC_LISTENN"/,
    },
    {
      name: 'an unknown key',
      given: { argv: HOMESERVER, files: { 'default.yaml': 'listenn: x' } },
      expected: /unknown key in default.yaml: "listenn"/,
    },
    {
      name: 'a key twice',
      given: { argv: HOMESERVER, files: { 'default.yaml': 'listen: a:1\nlisten: a:2' } },
      expected: /default.yaml cannot be read: Map keys must be unique at line 2, column 1$/,
    },
    {
      name: 'a file that is a list',
      given: { argv: HOMESERVER, files: { 'default.yaml': '- a' } },
      expected: /default.yaml cannot be read: expected lines of the form/,
    },
    {
      name: 'a named file that is not there',
      given: { argv: [...HOMESERVER, '--config', 'no.yaml'] },
      expected: /the file no.yaml cannot be read: ENOENT/,
    },
    {
      name: 'a key without value',
      given: { argv: HOMESERVER, files: { 'default.yaml': 'listen:' } },
      expected: /listen is null \(from default.yaml\): expected host:port/,
    },
    {
      name: 'a kind that is not known',
      given: { argv: [...HOMESERVER, '--homeserver-kind', 'construct'] },
      expected:
        /homeserver_kind is "construct" \(from the command line\): expected one of auto, synapse, dendrite, conduit, tuwunel, continuwuity/,
    },
    ...['r9=2027-01-01', 'peek-events=2027-01-01', 'r0', 'r0=soon', 'r0=2027-13-01', 'r0=1=2'].map(
      (text) => ({
        name: `a sunset on ${text}`,
        given: { argv: [...HOMESERVER, '--sunset-on', text] },
        expected:
          /sunset_on is ".*features of initial-sync, events, .*old-media-without-token, or all; or none/,
      }),
    ),
    ...['daily', '30 9 * * 2', '30 25 * * 2 for 10 min', '30 9 * * 2 for 3 h', '* * * * * * for 1 min'].map(
      (text) => ({
        name: `a brownout ${text}`,
        given: { argv: [...HOMESERVER, '--brownout', text] },
        expected: /brownout is ".*such as "30 9 \* \* 2 for 10 min"/,
      }),
    ),
    {
      name: 'a link that would end its header',
      given: { argv: [...HOMESERVER, '--sunset-link', 'https://a/>; rel="x'] },
      expected: /sunset_link is "/,
    },
    {
      name: 'a sunset before its deprecation',
      given: {
        argv: [...HOMESERVER, '--sunset-on', 'r0=2026-01-01', '--deprecated-since', 'all=2027-01-01'],
      },
      expected: /sunset_on has r0 before its date in deprecated_since/,
    },
    {
      name: 'a password in the URL',
      given: { env: { HINDSYNC_HOMESERVER_URL: 'http://me:s3cret@a' } },
      expected: /homeserver_url is "http:\/\/\*\*\*@a" \(from HINDSYNC_HOMESERVER_URL\): expected/,
    },
  ])('when given $name -> one line that says so', ({ given, expected }) => {
    const error = errorOf(given);
    expect(error).toMatch(expected);
    expect(error).not.toContain('\n');
  });

  test.each([
    ...[
      '127.0.0.1:8008',
      'ftp://a',
      'http://',
      'http://a/b',
      'http://a?b',
      'http://a#b',
      'http://a b',
      'http://a:99999',
      'unix:a',
    ].map((text) => ({ flag: 'homeserver-url', text })),
    ...['8009', ':8009', 'a:65536', 'a:-1', '::1:80', '[::1]', 'a:80/', ''].map((text) => ({
      flag: 'listen',
      text,
    })),
    ...['0', '64 MB', '-1', '1 KiB', 'lots', '1e9', '2048 GiB'].map((text) => ({ flag: 'cache-size', text })),
    ...['0', '1 d', '-5 s', '25 h', 's', '1 constructor'].map((text) => ({ flag: 'max-poll-timeout', text })),
    ...['0', '10001', '1.5', 'off', 'NaN', 'Infinity'].map((text) => ({ flag: 'events-limit', text })),
    ...['_matrix', '//a', '/a?b', '/%61', ''].map((text) => ({ flag: 'pass-paths', text })),
    ...['everybody', '300.1.1.1', '10.0.0.0/99', ''].map((text) => ({ flag: 'trusted-proxies', text })),
    ...['everybody', '0.0.0.0/0', ''].map((text) => ({ flag: 'media-token-networks', text })),
    ...['', ' '].map((text) => ({ flag: 'media-token-file', text })),
    ...['loud', 'off', 'INFO'].map((text) => ({ flag: 'log-level', text })),
    ...['matrix', 'toString', ''].map((text) => ({ flag: 'homeserver-kind', text })),
  ])('when --$flag is "$text" -> refused', ({ flag, text }) => {
    const name = flag.replaceAll('-', '_');
    expect(errorOf({ argv: [...HOMESERVER, `--${flag}=${text}`] })).toMatch(
      new RegExp(`^ConfigError: ${name} is ".*" \\(from the command line\\): expected .+$`),
    );
  });

  test('when Kubernetes links a service named hindsync -> its variables are no misspelt settings', () => {
    const env = {
      HINDSYNC_SERVICE_HOST: '10.0.0.1',
      HINDSYNC_SERVICE_PORT_HTTP: '8009',
      HINDSYNC_PORT: 'tcp://10.0.0.1:8009',
      HINDSYNC_PORT_8009_TCP_ADDR: '10.0.0.1',
      HINDSYNC_INTERNAL_SERVICE_PORT: '9009',
    };
    expect(read({ argv: HOMESERVER, env })).toEqual(DEFAULTS);
    expect(errorOf({ argv: HOMESERVER, env: { HINDSYNC_PORT: '8009' } })).toContain('HINDSYNC_PORT');
  });
});

describe('the token for media without one', () => {
  const NETWORKS = ['--media-token-networks', '10.0.0.0/8, ::1'];
  const FILE = ['--media-token-file', '/run/token'];
  const given = (content: string): Given => ({
    argv: [...HOMESERVER, ...FILE, ...NETWORKS],
    files: { '/run/token': content },
  });

  test.each(['syt_secret', ' syt_secret\r\n', '\ufeffsyt_secret\n'])(
    'when the file has %j -> the token alone',
    (content) => {
      expect(read(given(content))).toMatchObject({
        mediaTokenFile: '/run/token',
        mediaTokenNetworks: ['10.0.0.0/8', '::1'],
        mediaToken: 'syt_secret',
      });
    },
  );

  test.each<{ name: string; content: string }>([
    { name: 'nothing', content: '' },
    { name: 'blank lines', content: ' \n\n' },
    { name: 'a whole header', content: 'Bearer secret' },
    { name: 'two tokens', content: 'secret\nsecret' },
    { name: 'a break in it', content: 'secret\r\u0000X-Evil:1' },
    { name: 'other letters', content: 'secreté' },
  ])('when the file has $name -> refused, naming the setting and not the content', ({ content }) => {
    const error = errorOf(given(content));
    expect(error).toBe(
      'ConfigError: media_token_file is "/run/token", which cannot be used: expected one access token and nothing else',
    );
  });

  test('when the file cannot be read -> refused, naming the setting', () => {
    expect(errorOf({ argv: [...HOMESERVER, ...FILE, ...NETWORKS] })).toBe(
      'ConfigError: media_token_file is "/run/token", which cannot be used: ENOENT: no such file, open \'/run/token\'',
    );
  });

  test.each([
    { argv: FILE, expected: 'media_token_file is set, but media_token_networks is not' },
    {
      argv: [...FILE, '--media-token-networks', 'none'],
      expected: 'media_token_file is set, but media_token_networks is not',
    },
    { argv: NETWORKS, expected: 'media_token_networks is set, but media_token_file is not' },
    {
      argv: [...NETWORKS, '--media-token-file', 'none'],
      expected: 'media_token_networks is set, but media_token_file is not',
    },
  ])('when given $argv alone -> refused', ({ argv, expected }) => {
    expect(errorOf({ argv: [...HOMESERVER, ...argv], files: { '/run/token': 'secret' } })).toBe(
      `ConfigError: ${expected}: expected both or neither`,
    );
  });
});

describe('what is written about the settings', () => {
  const content = readFileSync('config/hindsync.yaml', 'utf8');

  test('when config/hindsync.yaml is compared with the table -> the same (vitest -u writes it anew)', async () => {
    await expect(defaultFile()).toMatchFileSnapshot('../../config/hindsync.yaml');
  });

  test('when config/hindsync.yaml is read as it is -> it sets nothing', () => {
    expect(parse(content)).toBeNull();
  });

  test('when every line of config/hindsync.yaml is uncommented -> all settings, each with its default', () => {
    const uncommented = content.replaceAll(/^#(?=\S)/gm, '');
    expect(Object.keys(parse(uncommented) as object)).toEqual(settings.map(({ name }) => name));
    expect(read({ files: { 'default.yaml': uncommented } })).toEqual(DEFAULTS);
  });

  test.each([
    { name: '--help', text: helpText('1.2.3') },
    { name: 'docs/settings.md', text: settingsPage() },
  ])('when $name is shown -> it has every setting in all three forms, and every default', ({ text }) => {
    for (const setting of settings) {
      expect(text).toContain(flagOf(setting));
      expect(text).toContain(variableOf(setting));
      expect(text).toContain(setting.name);
      expect(text).toContain(setting.byDefault ?? 'none');
    }
  });

  test('when docs/settings.md is compared with the table -> the same (vitest -u writes it anew)', async () => {
    await expect(settingsPage()).toMatchFileSnapshot('../../docs/settings.md');
  });
});

describe('readArguments', () => {
  test.each([
    { argv: [], expected: { action: 'run', sandbox: false, demo: false, once: false } },
    { argv: ['--sandbox'], expected: { action: 'run', sandbox: true, demo: false } },
    { argv: ['--demo', '--once'], expected: { action: 'run', sandbox: true, demo: true, once: true } },
    { argv: ['--check-config', '-c', 'a.yaml'], expected: { action: 'check-config', configFile: 'a.yaml' } },
    { argv: ['--check-config', '--help'], expected: { action: 'help' } },
    { argv: ['--version'], expected: { action: 'version' } },
  ])('when given $argv -> $expected.action', ({ argv, expected }) => {
    expect(readArguments(argv)).toMatchObject(expected);
  });
});
