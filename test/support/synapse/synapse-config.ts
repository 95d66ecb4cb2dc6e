import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';

export const SERVER_NAME = 'hs.test';

export interface SynapsePlace {
  /** Where it keeps its database, media and keys. */
  folder: string;
  /** Where it writes its logs. */
  logs: string;
  /** For the tests' own requests. */
  nativePort: number;
  /** For what comes through the gateway, logged apart. */
  gatewayPort: number;
  /** The access token of its application service. */
  asToken: string;
}

/** Name → text of the files that a Synapse of the tests starts from, to be written into its folder. */
export function synapseFiles(place: SynapsePlace): Record<string, string> {
  return {
    'homeserver.yaml': stringify(homeserverConfig(place)),
    'log.yaml': stringify(logConfig(place.logs)),
    'application-service.yaml': stringify(applicationService(place.asToken)),
    'signing.key': `ed25519 a_test ${randomBytes(32).toString('base64').replaceAll('=', '')}\n`,
  };
}

function homeserverConfig({ folder, nativePort, gatewayPort }: SynapsePlace): object {
  return {
    server_name: SERVER_NAME,
    pid_file: `${folder}/homeserver.pid`,
    log_config: `${folder}/log.yaml`,
    signing_key_path: `${folder}/signing.key`,
    media_store_path: `${folder}/media`,
    database: { name: 'sqlite3', args: { database: `${folder}/homeserver.db` } },
    listeners: [listener(nativePort, 'native'), listener(gatewayPort, 'gateway')],

    ...nothingLeavesTheMachine,
    ...nobodyIsHeldUp,
    ...stillPresence,

    app_service_config_files: [`${folder}/application-service.yaml`],
    enable_registration: true,
    enable_registration_without_verification: true,
    allow_guest_access: true,
    // Cheap on purpose: passwords of the tests protect nothing.
    bcrypt_rounds: 4,
    macaroon_secret_key: randomBytes(16).toString('hex'),
    form_secret: randomBytes(16).toString('hex'),
    registration_shared_secret: randomBytes(16).toString('hex'),

    enable_media_repo: true,
    enable_room_list_search: true,
    room_list_publication_rules: [{ user_id: '*', room_id: '*', alias: '*', action: 'allow' }],
  };
}

/** A bridge of the time, which is told nothing: its users are `@irc_…`, its own bot is `@ircbot`. */
const applicationService = (asToken: string): object => ({
  id: 'irc',
  url: null,
  as_token: asToken,
  hs_token: randomBytes(16).toString('hex'),
  sender_localpart: 'ircbot',
  rate_limited: false,
  namespaces: { users: [{ exclusive: true, regex: '@irc_.*' }], rooms: [], aliases: [] },
});

const listener = (port: number, tag: string): object => ({
  port,
  bind_addresses: ['127.0.0.1'],
  type: 'http',
  tls: false,
  // The gateway says whose request it is, as any reverse proxy.
  x_forwarded: tag === 'gateway',
  // Federation says which homeserver it is; nobody is on its list.
  resources: [{ names: ['client', 'federation'] }],
  // The name under which its requests are logged.
  tag,
});

const nothingLeavesTheMachine = {
  federation_domain_whitelist: [],
  trusted_key_servers: [],
  suppress_key_server_warning: true,
  allow_public_rooms_over_federation: false,
  url_preview_enabled: false,
  report_stats: false,
};

const unlimited = { per_second: 100_000, burst_count: 100_000 };

const nobodyIsHeldUp = {
  rc_message: unlimited,
  rc_registration: unlimited,
  rc_registration_token_validity: unlimited,
  rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
  rc_admin_redaction: unlimited,
  rc_joins: { local: unlimited, remote: unlimited },
  rc_joins_per_room: unlimited,
  rc_key_requests: unlimited,
  rc_3pid_validation: unlimited,
  rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
  rc_third_party_invite: unlimited,
  rc_media_create: unlimited,
  rc_presence: { per_user: unlimited },
  rc_delayed_event_mgmt: unlimited,
  rc_room_creation: unlimited,
  rc_reports: unlimited,
  rc_user_directory: unlimited,
  rc_profile: unlimited,
};

/** Nobody goes idle or offline by himself, so that two answers of different moments say the same. */
const stillPresence = {
  presence: {
    enabled: true,
    sync_online_timeout: '1d',
    last_active_granularity: '1d',
    idle_timeout: '2d',
  },
};

function logConfig(logs: string): object {
  const file = (name: string): object => ({
    class: 'logging.FileHandler',
    formatter: 'plain',
    filename: `${logs}/${name}`,
    encoding: 'utf8',
  });
  return {
    version: 1,
    formatters: { plain: { format: '%(asctime)s %(levelname)s %(name)s %(request)s %(message)s' } },
    handlers: { synapse: file('synapse.log'), gatewayAccess: file('synapse-access-gateway.log') },
    loggers: {
      'synapse.access.http.gateway': { level: 'INFO', handlers: ['gatewayAccess'], propagate: false },
      'synapse.access.http.native': { level: 'WARNING' },
    },
    root: { level: 'WARNING', handlers: ['synapse'] },
    disable_existing_loggers: false,
  };
}
