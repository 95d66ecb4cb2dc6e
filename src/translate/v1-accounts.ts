// Logging in and registering, as it was before user-interactive authentication.

import type { JsonObject } from '../matrix/client-event.ts';
import { MatrixError } from '../matrix/errors.ts';

/**
 * The homeserver asks for this before it registers somebody.
 *
 *
 *
 * @see https://github.com/matrix-org/matrix-spec/blob/main/data/api/client-server/registration.yaml
 */
export interface AuthenticationResponse extends JsonObject {
  session?: string;
  flows?: { stages?: string[] }[] | null;
}

/** The body of `POST /login` → the same with an `identifier`, where it names its user in the way of 2014. */
export function toModernLogin(body: JsonObject): JsonObject {
  if (body['identifier'] !== undefined) return body;
  const { user, medium, address } = body;
  if (typeof user === 'string') return { ...body, identifier: { type: 'm.id.user', user } };
  if (medium === undefined || address === undefined) return body;
  return { ...body, identifier: { type: 'm.id.thirdparty', medium, address } };
}

/** An answer with a `user_id` → the same with its `home_server`, which old clients fail without. */
export function withHomeServer(answer: JsonObject): JsonObject {
  const userId = answer['user_id'];
  if (answer['home_server'] !== undefined || typeof userId !== 'string') return answer;
  return { ...answer, home_server: userId.slice(userId.indexOf(':') + 1) };
}

/**
 * Turns what the homeserver asks for into the flows of `GET /register` in api/v1: `m.login.password` where a dummy
 * stage is enough, else none, as its other stages (captcha, email) had other fields.
 */
export function toV1Flows(authentication: AuthenticationResponse): { flows: { type: string }[] } {
  return { flows: hasDummyFlow(authentication) ? [{ type: 'm.login.password' }] : [] };
}

/** Tells whether somebody can be registered without being asked for anything. */
export function hasDummyFlow({ flows }: AuthenticationResponse): boolean {
  return (flows ?? []).some(({ stages }) => (stages ?? []).every((stage) => stage === 'm.login.dummy'));
}

/**
 * The body of `POST /register` in api/v1 → that of today, without `auth`. Throws 400 for the stages that are no more;
 * `bind_email` and `threepidCreds` are left out.
 */
export function toModernRegistration(body: JsonObject): JsonObject {
  const { type, user, password } = body;
  const username = typeof user === 'string' && user !== '' ? { username: localpartOf(user) } : {};
  if (type === 'm.login.application_service') return { type, ...username };
  if (type !== 'm.login.password')
    throw new MatrixError(400, 'M_UNKNOWN', `Bad login type: only m.login.password`);
  if (typeof password !== 'string') throw new MatrixError(400, 'M_MISSING_PARAM', 'Missing params: password');
  return { ...username, password };
}

/**
 * The body of a later `POST /register`, by somebody with an access token → the same, with the type of an application
 * service where it names a user and nothing else that registers one: until 2021 it was known by its token alone.
 *
 * @see docs/reference/clients.md#more-clients-through-hindsync
 */
export function toTypedRegistration(body: JsonObject): JsonObject {
  const { username, user = username } = body;
  const isOther = ['type', 'auth', 'password', 'guest_access_token'].some((name) => body[name] !== undefined);
  if (isOther || typeof user !== 'string') return body;
  return { ...body, type: 'm.login.application_service' };
}

/** Builds the error for a homeserver that needs more than a dummy stage, which nobody can pass in the form of 2014. */
export function toUnmetStages({ flows }: AuthenticationResponse): MatrixError {
  const wanted = (flows ?? []).map(({ stages }) => (stages ?? []).join(' and ')).join(', or ');
  return new MatrixError(
    403,
    'M_FORBIDDEN',
    `This homeserver asks who registers for ${wanted || 'more'}, which a client of api/v1 cannot do`,
  );
}

const localpartOf = (user: string): string => /^@([^:]*)/.exec(user)?.[1] ?? user;
