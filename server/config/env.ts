/** One setting of the service: how it is written on the command line and in the environment. */
export interface Setting {
  /** The form that the command line's help shows. */
  readonly flag: string;
  readonly variable: string;
  /** What holds when neither is given; undefined = nothing, and `about` says what that means. */
  readonly fallback: string | undefined;
  readonly about: string;
  /** Closed set of values, when there is one. */
  readonly choices?: readonly string[];
}

/** Every setting of `reveille serve`, in the order of its help. */
export const settings = {
  port: {
    flag: '--port <number>',
    variable: 'REVEILLE_PORT',
    fallback: '8030',
    about: 'port to listen on; 0 takes a free one',
  },
  host: {
    flag: '--host <address>',
    variable: 'REVEILLE_HOST',
    fallback: '127.0.0.1',
    about: 'address to listen on; one that others reach needs TLS or a trusted proxy, and --origin',
  },
  data: {
    flag: '--data <folder>',
    variable: 'REVEILLE_DATA',
    fallback: undefined,
    about: 'folder of everything that is kept (default: "data" beside the program)',
  },
  origin: {
    flag: '--origin <url>',
    variable: 'REVEILLE_ORIGIN',
    fallback: undefined,
    about: 'how others reach the service; every URL it hands out begins with it (default: where it listens)',
  },
  alsoOrigins: {
    flag: '--also-origins <urls>',
    variable: 'REVEILLE_ALSO_ORIGINS',
    fallback: undefined,
    about:
      'further origins that lead here, with commas: what web push senders sign for them counts (default: none)',
  },
  trustedProxy: {
    flag: '--trusted-proxy <addresses>',
    variable: 'REVEILLE_TRUSTED_PROXY',
    fallback: undefined,
    about: 'addresses or ranges, with commas, of proxies whose X-Forwarded-For counts (default: none)',
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    variable: 'REVEILLE_TLS_CERT',
    fallback: undefined,
    about: 'certificate chain in PEM; with --tls-key the service speaks https itself (default: none)',
  },
  tlsKey: {
    flag: '--tls-key <file>',
    variable: 'REVEILLE_TLS_KEY',
    fallback: undefined,
    about: 'private key of that certificate in PEM (default: none)',
  },
  mcsPort: {
    flag: '--mcs-port <number>',
    variable: 'REVEILLE_MCS_PORT',
    fallback: '5228',
    about:
      "port of Chromium's push client, always TLS: open when there is a certificate, --tls-cert or that of reveille cert; 0 takes a free one",
  },
  mcsHeartbeat: {
    flag: '--mcs-heartbeat <seconds>',
    variable: 'REVEILLE_MCS_HEARTBEAT',
    fallback: '240',
    about: "how often Chromium's push client says that it is there; shorter than what a NAT forgets",
  },
  pushHosts: {
    flag: '--push-hosts <hosts>',
    variable: 'REVEILLE_PUSH_HOSTS',
    fallback: 'vendors',
    about:
      'push services that may be called to wake apps, with commas: host, host:port or *.host; vendors = those of Chrome, Firefox, Edge and Safari; none = call nobody',
  },
  pushAddresses: {
    flag: '--push-addresses <which>',
    variable: 'REVEILLE_PUSH_ADDRESSES',
    fallback: 'public',
    about: 'which addresses those hosts may have; any lets pushes into your own network',
    choices: ['public', 'any'],
  },
  webhookAddresses: {
    flag: '--webhook-addresses <which>',
    variable: 'REVEILLE_WEBHOOK_ADDRESSES',
    fallback: 'public',
    about:
      'which addresses the hosts of webhooks may have; any lets everyone with a project call into your own network',
    choices: ['public', 'any'],
  },
  pushContact: {
    flag: '--push-contact <url>',
    variable: 'REVEILLE_PUSH_CONTACT',
    fallback: undefined,
    about:
      'how push services reach you when your pushes trouble them, mailto: or https: (default: the origin)',
  },
  otlpEndpoint: {
    flag: '--otlp-endpoint <url>',
    variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    fallback: undefined,
    about:
      'where traces of messages are sent to, OpenTelemetry over HTTP; /v1/traces is added (default: none are made)',
  },
  feedback: {
    flag: '--feedback <url>',
    variable: 'REVEILLE_FEEDBACK',
    fallback: undefined,
    about: 'where people ask, report and wish, mailto: or https:, named on /docs/feedback (default: none)',
  },
  smtpUrl: {
    flag: '--smtp-url <url>',
    variable: 'REVEILLE_SMTP_URL',
    fallback: undefined,
    about:
      'SMTP server that takes mail on, smtps:// or smtp:// with user and password; give it in the variable: others can read a command line (default: no mail is sent)',
  },
  mailFrom: {
    flag: '--mail-from <address>',
    variable: 'REVEILLE_MAIL_FROM',
    fallback: undefined,
    about: 'address that mail comes from; belongs to --smtp-url (default: none)',
  },
  compat: {
    flag: '--compat <year>',
    variable: 'REVEILLE_COMPAT',
    fallback: 'none',
    about: '2013 brings back what the first service did and no sender needs (docs/compat.md)',
    choices: ['none', '2013'],
  },
  signUp: {
    flag: '--sign-up <who>',
    variable: 'REVEILLE_SIGN_UP',
    fallback: 'open',
    about: 'who may make an account',
    choices: ['open', 'invite', 'closed'],
  },
  dailyQuota: {
    flag: '--daily-quota <number>',
    variable: 'REVEILLE_DAILY_QUOTA',
    fallback: '10000',
    about: 'messages that a project may send a day unless it has a number of its own; 0 = no limit',
  },
  devicesPerChannel: {
    flag: '--devices-per-channel <number>',
    variable: 'REVEILLE_DEVICES_PER_CHANNEL',
    fallback: '20',
    about:
      'devices of one user of an app; the longest silent one leaves when one more registers. Raise it for an account that many screens share',
  },
  memoryLimit: {
    flag: '--memory-limit <MiB>',
    variable: 'REVEILLE_MEMORY_LIMIT',
    fallback: '0',
    about:
      'memory that the service keeps below: near it, new messages and new connections are answered 503, all else goes on; 0 = no limit',
  },
  secretsFile: {
    flag: '--secrets-file <file>',
    variable: 'REVEILLE_SECRETS_FILE',
    fallback: undefined,
    about: 'the ring of keys; REVEILLE_SECRETS holds the ring itself (default: made in the data folder)',
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'REVEILLE_LOG_LEVEL',
    fallback: 'info',
    about: 'how much of what happens is written to standard error',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** Settings as text, as someone wrote them; only those that were given. */
export type RawSettings = { readonly [Name in SettingName]?: string };

/** What the environment says: only REVEILLE_… variables of the table are read, empty ones count as not given. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): RawSettings {
  const given: { [Name in SettingName]?: string } = {};
  for (const name of Object.keys(settings) as SettingName[]) {
    const value = environment[settings[name].variable];
    if (value !== undefined && value !== '') given[name] = value;
  }
  return given;
}
