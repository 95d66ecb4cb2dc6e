// What users keep for themselves: account data, tags, filters, push rules.

import type { SandboxHomeserver } from '../homeserver.ts';
import type { JsonObject } from '../../matrix/client-event.ts';
import { MatrixError } from '../../matrix/errors.ts';
import type { RoomId } from '../../matrix/identifiers.ts';
import { type Call, get, post, put, remove, type Route } from './route.ts';
import { mustBeOwn } from './sending.ts';
import { findFilter } from './sync.ts';

const TAGS = '/user/:userId/rooms/:roomId/tags';

export function accountDataRoutes(homeserver: SandboxHomeserver): Route[] {
  return [
    ...['/user/:userId/account_data/:type', '/user/:userId/rooms/:roomId/account_data/:type'].flatMap(
      (path) => [
        get(path, readAccountData),
        put(path, (call) => {
          const { type = '' } = call.params;
          if (type === 'm.fully_read' || type === 'm.push_rules')
            throw new MatrixError(405, 'M_BAD_JSON', `Cannot set ${type} through this API.`);
          return write(call, type, call.body);
        }),
      ],
    ),
    get(TAGS, (call) => ({ tags: tagsOf(call) })),
    put(`${TAGS}/:tag`, (call) =>
      write(call, 'm.tag', { tags: { ...tagsOf(call), [call.params['tag'] ?? '']: call.body } }),
    ),
    remove(`${TAGS}/:tag`, (call) => {
      const others = Object.entries(tagsOf(call)).filter(([tag]) => tag !== call.params['tag']);
      return write(call, 'm.tag', { tags: Object.fromEntries(others) });
    }),
    post(
      '/user/:userId/filter',
      (call) => {
        mustBeOwn(call);
        return { filter_id: String(call.session.user.filters.push(call.body) - 1) };
      },
      'guests too',
    ),
    get(
      '/user/:userId/filter/:filterId',
      ({ session, params }) => findFilter(session.user, params['filterId'] ?? ''),
      'guests too',
    ),
    get('/pushrules', pushRulesOf),
    get('/pushrules/', pushRulesOf),
    // Any rule, as it comes: what it says is nobody's business here, but that rules changed is told in /sync.
    put('/pushrules/global/:kind/:ruleId', (call) => {
      const { kind = '', ruleId = '' } = call.params;
      const global = pushRulesOf(call)['global'] as Record<string, JsonObject[]>;
      const rule = { rule_id: ruleId, default: false, enabled: true, ...call.body };
      const others = (global[kind] ?? []).filter((each) => each['rule_id'] !== ruleId);
      const rules = { global: { ...global, [kind]: [rule, ...others] } };
      homeserver.setAccountData(call.session.user.userId, 'm.push_rules', rules);
      return {};
    }),
  ];

  function write(call: Call, type: string, content: JsonObject): object {
    mustBeOwn(call);
    const roomId = call.params['roomId'] as RoomId | undefined;
    homeserver.setAccountData(call.session.user.userId, type, content, roomId);
    return {};
  }
}

function readAccountData(call: Call): JsonObject {
  mustBeOwn(call);
  const { user } = call.session;
  const { type = '', roomId } = call.params;
  const all = roomId === undefined ? user.accountData : user.roomAccountData.get(roomId as RoomId);
  const data = all?.get(type)?.value;
  if (data === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'Account data not found');
  return data;
}

function tagsOf({ session, params }: Call): JsonObject {
  const data = session.user.roomAccountData.get(params['roomId'] as RoomId)?.get('m.tag');
  return (data?.value['tags'] ?? {}) as JsonObject;
}

const pushRulesOf = ({ session }: Call): JsonObject =>
  session.user.accountData.get('m.push_rules')?.value ?? {};
