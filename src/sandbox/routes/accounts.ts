// Getting in and out: versions, registration, login, logout.

import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { DeviceId, UserId } from '../../matrix/identifiers.ts';
import type { SandboxHomeserver } from '../homeserver.ts';
import type { Session, User } from '../user.ts';
import { type Call, get, post, readText, type Route } from './route.ts';

const SERVER = { name: 'sandbox', version: '1' };
const VERSIONS = ['r0.6.1', ...Array.from({ length: 15 }, (_, minor) => `v1.${minor + 1}`)];

export function accountRoutes(homeserver: SandboxHomeserver): Route[] {
  const { sessions } = homeserver;
  const versions = { versions: VERSIONS, unstable_features: {}, server: SERVER };
  return [
    get('/_matrix/client/versions', () => versions, 'anybody'),
    get('/_matrix/federation/v1/version', () => ({ server: SERVER }), 'anybody'),
    get('/capabilities', () => ({ capabilities: {} })),
    get('/voip/turnServer', () => ({})),
    post('/register', (call) => register(homeserver, call), 'anybody'),
    get('/login', () => ({ flows: [{ type: 'm.login.password' }] }), 'anybody'),
    post('/login', (call) => login(homeserver, call), 'anybody'),
    post('/logout', ({ session }) => end(session), 'guests too'),
    post('/logout/all', ({ session: { user } }) => end(...sessionsOf(user)), 'guests too'),
    get('/account/whoami', ({ session }) => whoami(session), 'guests too'),
  ];

  function end(...ended: Session[]): object {
    for (const { accessToken } of ended) sessions.delete(accessToken);
    return {};
  }

  function sessionsOf(user: User): Session[] {
    return [...sessions.values()].filter((session) => session.user === user);
  }
}

function whoami({ user, deviceId }: Session): object {
  return { user_id: user.userId, device_id: deviceId, is_guest: user.isGuest };
}

/** User-interactive: without `auth`, 401 with the one stage there is; guests need none. */
function register(homeserver: SandboxHomeserver, { body, query }: Call): unknown {
  if (query.get('kind') === 'guest') {
    const userId = homeserver.createUser(String(homeserver.users.size + 1), { isGuest: true });
    return toLoginResponse(homeserver, homeserver.login(userId, 'guest_device'));
  }
  const { auth, username = `user${homeserver.users.size + 1}` } = body;
  if (!/^[a-z0-9._=/+-]+$/.test(String(username)))
    throw new MatrixError(
      400,
      'M_INVALID_USERNAME',
      "User ID can only contain characters a-z, 0-9, or '=_-./+'",
    );
  if (homeserver.users.has(toUserId(homeserver, String(username))))
    throw new MatrixError(400, 'M_USER_IN_USE', 'User ID already taken.');
  if ((auth as JsonObject | undefined)?.['type'] !== 'm.login.dummy')
    throw new MatrixError(401, 'M_UNAUTHORIZED', 'Authentication is needed', {
      session: randomUUID(),
      flows: [{ stages: ['m.login.dummy'] }],
      params: {},
    });
  const userId = homeserver.createUser(String(username), { password: readText(body, 'password') });
  if (body['inhibit_login'] === true) return { user_id: userId, home_server: homeserver.serverName };
  return toLoginResponse(homeserver, homeserver.login(userId, deviceIdIn(body)));
}

function login(homeserver: SandboxHomeserver, { body }: Call): unknown {
  if (body['type'] !== 'm.login.password')
    throw new MatrixError(400, 'M_UNKNOWN', `Unknown login type ${String(body['type'])}`);
  const name = String((body['identifier'] as JsonObject | undefined)?.['user'] ?? body['user'] ?? '');
  const user = homeserver.users.get(toUserId(homeserver, name));
  if (user?.password === undefined || user.password !== body['password'])
    throw new MatrixError(403, 'M_FORBIDDEN', 'Invalid username or password');
  return toLoginResponse(homeserver, homeserver.login(user.userId, deviceIdIn(body)));
}

function toLoginResponse(
  { serverName }: SandboxHomeserver,
  { user, accessToken, deviceId }: Session,
): object {
  return { user_id: user.userId, access_token: accessToken, device_id: deviceId, home_server: serverName };
}

const deviceIdIn = (body: JsonObject): DeviceId | undefined => body['device_id'] as DeviceId | undefined;

const toUserId = ({ serverName }: SandboxHomeserver, name: string): UserId =>
  (name.startsWith('@') ? name : `@${name}:${serverName}`) as UserId;
