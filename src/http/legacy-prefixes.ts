// Which requests under the prefixes of 2014–2019 mean the same under a modern one: an exact table, and nothing else.

/** The prefixes that the homeserver has, by its `/versions`. */
export interface HomeserverPrefixes {
  /** Some `r0.x` is listed. */
  hasR0: boolean;
  /** Some `v1.x` is listed. */
  hasV3: boolean;
}

const CLIENT = '/_matrix/client/';

/**
 * A request's method and raw path (or URL) → the same path under a prefix that the homeserver has.
 *
 * `r0` stays where the homeserver has it, else it becomes `v3` for every path: the two differ in name only. `api/v1` and
 * `v2_alpha` become `v3` (or `r0`) where the table lists the request. Everything else is unchanged by a byte: requests
 * whose shape changed since, like `api/v1/register` or a send without a transaction id, would be misunderstood.
 *
 * @see reference/native.md §9
 */
export function toHomeserverPath(method: string, rawPath: string, prefixes: HomeserverPrefixes): string {
  if (!rawPath.startsWith(CLIENT)) return rawPath;
  const modern = prefixes.hasV3 || !prefixes.hasR0 ? 'v3/' : 'r0/';
  if (rawPath.startsWith('r0/', CLIENT.length)) {
    return prefixes.hasR0 ? rawPath : CLIENT + modern + rawPath.slice(CLIENT.length + 'r0/'.length);
  }
  for (const [prefix, table] of tables) {
    if (!rawPath.startsWith(prefix, CLIENT.length)) continue;
    const rest = rawPath.slice(CLIENT.length + prefix.length);
    return isListed(table, method, rest.split('?', 1)[0] ?? '') ? CLIENT + modern + rest : rawPath;
  }
  return rawPath;
}

/** `*` stands for one segment, which may be empty only at the end, as an empty state key is. */
const unchangedEverywhere = `
  GET,POST login
  POST logout
  POST logout/all
  POST createRoom
  POST join/*
  GET joined_rooms
  POST rooms/*/join
  POST rooms/*/leave
  POST rooms/*/invite
  POST rooms/*/kick
  POST rooms/*/ban
  POST rooms/*/unban
  POST rooms/*/forget
  GET rooms/*/state
  GET,PUT rooms/*/state/*
  GET,PUT rooms/*/state/*/*
  GET rooms/*/members
  GET rooms/*/joined_members
  GET rooms/*/messages
  PUT rooms/*/typing/*
  PUT rooms/*/send/*/*
  PUT rooms/*/redact/*/*
  GET rooms/*/context/*
  GET rooms/*/event/*
  GET rooms/*/aliases
  POST rooms/*/receipt/*/*
  POST rooms/*/read_markers
  POST rooms/*/report/*
  POST rooms/*/upgrade
  GET profile/*
  GET,PUT profile/*/displayname
  GET,PUT profile/*/avatar_url
  GET,PUT presence/*/status
  GET pushrules/
  GET pushrules/*/
  GET pushrules/*/*/
  GET,PUT,DELETE pushrules/*/*/*
  GET,PUT pushrules/*/*/*/enabled
  GET,PUT pushrules/*/*/*/actions
  GET pushers
  POST pushers/set
  GET notifications
  GET,PUT,DELETE directory/room/*
  GET,PUT directory/list/room/*
  GET,POST publicRooms
  GET voip/turnServer
  POST search
  POST user_directory/search
  POST user/*/filter
  GET user/*/filter/*
  GET,PUT user/*/account_data/*
  GET,PUT user/*/rooms/*/account_data/*
  GET user/*/rooms/*/tags
  PUT,DELETE user/*/rooms/*/tags/*
  GET account/whoami
  POST account/password
  POST account/password/email/requestToken
  POST account/password/msisdn/requestToken
  POST account/deactivate
  GET,POST account/3pid
  POST account/3pid/add
  POST account/3pid/bind
  POST account/3pid/delete
  POST account/3pid/unbind
  POST account/3pid/email/requestToken
  POST account/3pid/msisdn/requestToken
  GET devices
  GET,PUT,DELETE devices/*
  POST delete_devices
  POST keys/upload
  POST keys/upload/*
  POST keys/query
  POST keys/claim
  GET keys/changes
  PUT sendToDevice/*/*
  GET thirdparty/protocols
  GET thirdparty/protocol/*
  GET thirdparty/location
  GET thirdparty/location/*
  GET thirdparty/user
  GET thirdparty/user/*
  GET admin/whois/*
`;

/** Registration by stages came with v2_alpha; api/v1 had one of its own. */
const unchangedSinceV2Alpha = `
  POST register
  GET register/available
  POST register/email/requestToken
  POST register/msisdn/requestToken
`;

interface Row {
  methods: ReadonlySet<string>;
  segments: readonly string[];
}

const tables: readonly (readonly [prefix: string, table: Map<string, Row[]>])[] = [
  ['api/v1/', parseTable(unchangedEverywhere)],
  ['v2_alpha/', parseTable(unchangedEverywhere + unchangedSinceV2Alpha)],
];

/** Rows by their first segment, as most paths share it with few others. */
function parseTable(text: string): Map<string, Row[]> {
  const rows = text
    .trim()
    .split('\n')
    .map((line): Row => {
      const [methods = '', path = ''] = line.trim().split(' ');
      // A preflight asks for any of them; HEAD is GET without the body.
      const listed = methods.split(',');
      return {
        methods: new Set([...listed, 'OPTIONS', ...(listed.includes('GET') ? ['HEAD'] : [])]),
        segments: path.split('/'),
      };
    });
  return Map.groupBy(rows, (row) => row.segments[0] ?? '');
}

function isListed(table: Map<string, Row[]>, method: string, rest: string): boolean {
  const segments = rest.split('/');
  const rows = table.get(segments[0] ?? '') ?? [];
  return rows.some((row) => row.methods.has(method) && matches(row.segments, segments));
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((wanted, i) => {
    const given = segments[i];
    return wanted === '*' ? given !== '' || (i > 2 && i === segments.length - 1) : given === wanted;
  });
}
