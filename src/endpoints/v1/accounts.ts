import { HomeserverError } from '../../matrix/errors.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import {
  hasDummyFlow,
  toModernLogin,
  toModernRegistration,
  toTypedRegistration,
  toUnmetStages,
  toV1Flows,
  withHomeServer,
  type AuthenticationResponse,
} from '../../translate/v1-accounts.ts';
import { bodyOf, plainQueryOf, readJsonObject } from './body.ts';
import type { Call, Endpoint } from '../route.ts';
import type { Services } from '../services.ts';

type AccountEndpoint = 'readLogin' | 'logIn' | 'readFlows' | 'register' | 'registerV1';

/**
 * `login` and `register`: today's, with `home_server` in their answers, without the access token of a client that has
 * none yet and writes `None` for it; and the registration of api/v1, over user-interactive authentication.
 *
 * Differs: only-passwords-register
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export function createAccounts({ sessions }: Services): Record<AccountEndpoint, Endpoint> {
  return {
    readLogin,
    logIn: (call) => post('login', call, toModernLogin(readJsonObject(call.request))),
    readFlows,
    register: (call) => post('register', call, registrationOf(call)),
    registerV1,
  };

  function readLogin({ request, signal }: Call): Promise<JsonObject> {
    const call = { method: 'GET', path: 'login', query: plainQueryOf(request) } as const;
    return sessions.accountOf(request, signal).request(call);
  }

  /** The body as it came, but of an application service, which has a token before it registers. */
  function registrationOf({ request, signal }: Call): JsonObject | Buffer {
    const hasToken = 'accessToken' in sessions.accountOf(request, signal).caller;
    return hasToken ? toTypedRegistration(readJsonObject(request)) : bodyOf(request);
  }

  async function post(
    path: 'login' | 'register',
    { request, signal }: Call,
    body: JsonObject | Buffer,
  ): Promise<JsonObject> {
    const call = { method: 'POST', path, query: plainQueryOf(request), body } as const;
    return withHomeServer(await sessions.accountOf(request, signal).request(call));
  }

  async function readFlows(call: Call): Promise<unknown> {
    const authentication = await post('register', call, {}).catch(authenticationOf);
    if (!hasDummyFlow(authentication)) throw toUnmetStages(authentication);
    return toV1Flows(authentication);
  }

  async function registerV1(call: Call): Promise<JsonObject> {
    const registration = toModernRegistration(readJsonObject(call.request));
    let authentication: AuthenticationResponse;
    try {
      return await post('register', call, registration);
    } catch (error) {
      authentication = authenticationOf(error);
    }
    if (!hasDummyFlow(authentication)) throw toUnmetStages(authentication);
    const { session } = authentication;
    const auth = { type: 'm.login.dummy', ...(session !== undefined && { session }) };
    return post('register', call, { ...registration, auth });
  }
}

/** A 401 that says what is asked for. Throws all other errors on, among them 401s of another sort. */
function authenticationOf(error: unknown): AuthenticationResponse {
  if (error instanceof HomeserverError && error.status === 401 && Array.isArray(error.fields['flows']))
    return error.fields as AuthenticationResponse;
  throw error;
}
