// Every route of the prefixes api/v1 and v2_alpha, what of r0 is repaired, and what happens to it. `docs/endpoints.md`
// shows the same table.

/** The prefixes of 2014 to 2016, of which nothing is left anywhere, and that of 2016 to 2021. */
export type OldPrefix = 'api/v1' | 'v2_alpha' | 'r0';

/** What answers a reshaped route: the basename of a file in `src/endpoints/`. */
export type Reshaper =
  | 'events'
  | 'event'
  | 'initial-sync'
  | 'room-initial-sync'
  | 'messages'
  | 'v2-alpha-sync'
  | 'v2-alpha-filter'
  | V1Reshaper;

/** Those in `src/endpoints/v1/`. */
export type V1Reshaper =
  | 'accounts'
  | 'sending'
  | 'empty-body'
  | 'room-actions'
  | 'event-lists'
  | 'public-rooms'
  | 'presence-list'
  | 'backfill'
  | 'moved';

export interface LegacyRoute {
  /** `pass`: only the prefix changes. `reshape`: an endpoint of ours answers. `refuse`: 404, and why. */
  what: 'pass' | 'reshape' | 'refuse';
  prefixes: readonly OldPrefix[];
  methods: readonly string[];
  /** Below the prefix. `*` stands for one segment, which may be empty only at the end, as an empty state key is. */
  path: string;
  /** Of a reshaped route. */
  by?: Reshaper;
  /** How a reshaped route changes, or why a refused one is refused. */
  note?: string;
  /** Whether a reshaped route has its path today too, so that an endpoint may pass on what it does not understand. */
  isSamePath?: true;
  /** Of a moved route: the path it has today; its stars are filled from those of `path`, in order. */
  to?: string;
}

const BOTH: readonly OldPrefix[] = ['api/v1', 'v2_alpha'];
const V1: readonly OldPrefix[] = ['api/v1'];
const V2: readonly OldPrefix[] = ['v2_alpha'];
const ALL: readonly OldPrefix[] = ['api/v1', 'v2_alpha', 'r0'];
const NO_BODY = 'no body, or `null`, is `{}`';

/**
 * The one table. What is not in it passes with every byte of its URL unchanged, but that r0 becomes v3 where the
 * homeserver has no r0.
 *
 * @see docs/reference/synapse-legacy.md#routes-of-v1
 */
export const legacyRoutes: readonly LegacyRoute[] = [
  // Accounts
  restyle(ALL, 'GET login', 'accounts', 'an access token that can be none, as `None`, is not sent on'),
  restyle(ALL, 'POST login', 'accounts', 'as GET; `home_server` in the answer; `user` also as `identifier`'),
  pass(BOTH, 'GET login/sso/redirect'),
  pass(BOTH, 'GET login/sso/redirect/*'),
  pass(BOTH, 'GET login/cas/redirect'),
  pass(BOTH, 'GET login/cas/ticket'),
  refuse(BOTH, 'GET login/fallback', 'The login page of 2014 is gone; GET /login names the flows there are'),
  refuse(BOTH, 'GET,POST login/reset', 'A password is reset by POST /account/password'),
  pass(BOTH, 'POST logout'),
  pass(BOTH, 'POST logout/all'),
  reshape(V1, 'GET register', 'accounts', "the flows of 2014, by today's"),
  reshape(
    V1,
    'POST register',
    'accounts',
    '`m.login.password` with `user`, where a dummy stage is enough today',
  ),
  restyle(
    ['v2_alpha', 'r0'],
    'POST register',
    'accounts',
    'as GET login; `home_server` in the answer; an application service needs no `type`',
  ),
  pass(V2, 'GET register/available'),
  pass(V2, 'POST register/email/requestToken'),
  pass(V2, 'POST register/msisdn/requestToken'),
  refuse(V1, 'POST createUser', 'Application services register users by POST /register'),
  moved(V2, 'POST tokenrefresh', 'refresh', 'a refresh token must be given'),
  pass(BOTH, 'GET account/whoami'),
  pass(BOTH, 'POST account/password'),
  pass(BOTH, 'POST account/password/email/requestToken'),
  pass(BOTH, 'POST account/password/msisdn/requestToken'),
  pass(BOTH, 'POST account/deactivate'),
  pass(BOTH, 'GET,POST account/3pid'),
  pass(BOTH, 'POST account/3pid/add'),
  pass(BOTH, 'POST account/3pid/bind'),
  pass(BOTH, 'POST account/3pid/delete'),
  pass(BOTH, 'POST account/3pid/unbind'),
  pass(BOTH, 'POST account/3pid/email/requestToken'),
  pass(BOTH, 'POST account/3pid/msisdn/requestToken'),
  pass(BOTH, 'GET admin/whois/*'),

  // The stream
  reshape(BOTH, 'GET events', 'events', 'see there'),
  reshape(BOTH, 'GET events/*', 'event', 'see there'),
  reshape(BOTH, 'GET initialSync', 'initial-sync', 'see there'),
  reshape(V2, 'GET sync', 'v2-alpha-sync', 'the drafts of 2015'),
  pass(V1, 'POST user/*/filter'),
  restyle(V2, 'POST user/*/filter', 'v2-alpha-filter', "today's names in the filter"),
  pass(BOTH, 'GET user/*/filter/*'),

  // Rooms
  restyle(ALL, 'POST createRoom', 'empty-body', NO_BODY),
  reshape(BOTH, 'PUT createRoom/*', 'room-actions', 'POST; a repeated transaction id gets the first answer'),
  restyle(ALL, 'POST join/*', 'empty-body', NO_BODY),
  reshape(BOTH, 'PUT join/*/*', 'room-actions', 'POST; as createRoom'),
  pass(BOTH, 'GET joined_rooms'),
  ...['join', 'leave', 'invite', 'kick', 'ban', 'unban', 'forget'].flatMap((action) => [
    restyle(ALL, `POST rooms/*/${action}`, 'empty-body', NO_BODY),
    reshape(BOTH, `PUT rooms/*/${action}/*`, 'room-actions', 'POST; as createRoom'),
  ]),
  pass(BOTH, 'POST rooms/*/upgrade'),
  reshape(BOTH, 'GET rooms/*/initialSync', 'room-initial-sync', 'see there'),
  restyle(BOTH, 'GET rooms/*/messages', 'messages', 'see there; legacy events'),
  restyle(BOTH, 'GET rooms/*/state', 'event-lists', 'legacy events'),
  restyle(BOTH, 'GET rooms/*/members', 'event-lists', 'legacy events'),
  restyle(BOTH, 'GET rooms/*/context/*', 'event-lists', 'legacy events'),
  restyle(BOTH, 'GET rooms/*/event/*', 'event-lists', 'a legacy event'),
  reshape(
    BOTH,
    'GET rooms/*/backfill',
    'backfill',
    'a list of legacy events, newest first, from `/messages`',
  ),
  moved(BOTH, 'GET,PUT rooms/*/members/*', 'rooms/*/state/m.room.member/*', 'the content of the membership'),
  pass(BOTH, 'GET rooms/*/joined_members'),
  pass(BOTH, 'GET rooms/*/aliases'),
  pass(BOTH, 'GET,PUT rooms/*/state/*'),
  pass(BOTH, 'GET,PUT rooms/*/state/*/*'),
  reshape(
    ALL,
    'POST rooms/*/send/*',
    'sending',
    'PUT with a transaction id of ours, the same when it is repeated unanswered',
  ),
  pass(BOTH, 'PUT rooms/*/send/*/*'),
  refuse(
    BOTH,
    'GET rooms/*/send/*/*',
    'No homeserver tells any more what a transaction id was answered with; a repeated PUT does',
  ),
  reshape(ALL, 'POST rooms/*/redact/*', 'sending', 'as send'),
  restyle(ALL, 'PUT rooms/*/redact/*/*', 'empty-body', NO_BODY),
  restyle(ALL, 'PUT rooms/*/typing/*', 'empty-body', NO_BODY),
  restyle(ALL, 'POST rooms/*/receipt/*/*', 'empty-body', NO_BODY),
  restyle(ALL, 'POST rooms/*/read_markers', 'empty-body', NO_BODY),
  pass(BOTH, 'POST rooms/*/report/*'),

  // Users
  pass(BOTH, 'GET profile/*'),
  pass(BOTH, 'GET,PUT profile/*/displayname'),
  pass(BOTH, 'GET,PUT profile/*/avatar_url'),
  pass(BOTH, 'GET,PUT presence/*/status'),
  reshape(
    BOTH,
    'GET presence/list/*',
    'presence-list',
    'what the session was last told of presence; nobody keeps such lists any more',
  ),
  reshape(BOTH, 'POST presence/list/*', 'presence-list', '`{}`, and nothing is kept'),
  pass(BOTH, 'GET,PUT,DELETE user/*/account_data/*'),
  pass(BOTH, 'GET,PUT,DELETE user/*/rooms/*/account_data/*'),
  pass(BOTH, 'GET user/*/rooms/*/tags'),
  pass(BOTH, 'PUT,DELETE user/*/rooms/*/tags/*'),
  pass(BOTH, 'POST user_directory/search'),

  // Directory and search
  restyle(
    BOTH,
    'GET publicRooms',
    'public-rooms',
    '`start` and `end`; all pages unless `limit` or `since` asks for one',
  ),
  pass(BOTH, 'POST publicRooms'),
  pass(BOTH, 'GET,PUT,DELETE directory/room/*'),
  pass(BOTH, 'GET,PUT directory/list/room/*'),
  pass(BOTH, 'POST search'),

  // Push
  pass(BOTH, 'GET pushrules/'),
  pass(BOTH, 'GET pushrules/*/'),
  pass(BOTH, 'GET pushrules/*/*/'),
  pass(BOTH, 'GET,PUT,DELETE pushrules/*/*/*'),
  pass(BOTH, 'GET,PUT pushrules/*/*/*/enabled'),
  pass(BOTH, 'GET,PUT pushrules/*/*/*/actions'),
  pass(BOTH, 'GET pushers'),
  pass(BOTH, 'POST pushers/set'),
  pass(BOTH, 'GET notifications'),

  // Devices and keys
  pass(BOTH, 'GET devices'),
  pass(BOTH, 'GET,PUT,DELETE devices/*'),
  pass(BOTH, 'POST delete_devices'),
  pass(BOTH, 'POST keys/upload'),
  pass(BOTH, 'POST keys/upload/*'),
  pass(BOTH, 'POST keys/query'),
  refuse(V2, 'GET keys/query/*', 'Keys are asked for by POST /keys/query'),
  refuse(V2, 'GET keys/query/*/*', 'Keys are asked for by POST /keys/query'),
  pass(BOTH, 'POST keys/claim'),
  refuse(V2, 'GET keys/claim/*/*/*', 'Keys are claimed by POST /keys/claim'),
  pass(BOTH, 'GET keys/changes'),
  pass(BOTH, 'PUT sendToDevice/*/*'),

  // Elsewhere
  pass(BOTH, 'GET voip/turnServer'),
  pass(BOTH, 'GET thirdparty/protocols'),
  pass(BOTH, 'GET thirdparty/protocol/*'),
  pass(BOTH, 'GET thirdparty/location'),
  pass(BOTH, 'GET thirdparty/location/*'),
  pass(BOTH, 'GET thirdparty/user'),
  pass(BOTH, 'GET thirdparty/user/*'),
];

function pass(prefixes: readonly OldPrefix[], route: string): LegacyRoute {
  return { what: 'pass', prefixes, ...parseRoute(route) };
}

function reshape(prefixes: readonly OldPrefix[], route: string, by: Reshaper, note: string): LegacyRoute {
  return { what: 'reshape', prefixes, ...parseRoute(route), by, note };
}

function restyle(prefixes: readonly OldPrefix[], route: string, by: Reshaper, note: string): LegacyRoute {
  return { ...reshape(prefixes, route, by, note), isSamePath: true };
}

function moved(prefixes: readonly OldPrefix[], route: string, to: string, note: string): LegacyRoute {
  return { ...reshape(prefixes, route, 'moved', note), to };
}

function refuse(prefixes: readonly OldPrefix[], route: string, note: string): LegacyRoute {
  return { what: 'refuse', prefixes, ...parseRoute(route), note };
}

function parseRoute(route: string): { methods: string[]; path: string } {
  const [methods = '', path = ''] = route.split(' ');
  return { methods: methods.split(','), path };
}

/** The table as Markdown, for docs/endpoints.md. */
export function routesTable(): string {
  const rows = legacyRoutes.map((route) => {
    const cells = [
      `${route.methods.join(', ')} \`${route.path}\``,
      route.prefixes.join(', '),
      toOutcome(route),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return ['| route | prefix | what happens |', '| --- | --- | --- |', ...rows].join('\n');
}

function toOutcome({ what, by, note, to }: LegacyRoute): string {
  if (what === 'pass') return 'passed';
  if (what === 'refuse') return `refused: ${note}`;
  return to === undefined ? `reshaped by ${by}: ${note}` : `moved to \`${to}\`: ${note}`;
}
