import { resolve } from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { type RawSettings, type SettingName, settings } from './env.ts';
import { ownDataFolder } from './own-data-folder.ts';
import { parsePushHosts } from './push-hosts.ts';
import { parseSmtpUrl, type SmtpUrl } from './smtp-url.ts';
import { parseTrustedProxies, type TrustedProxies } from './trusted-proxies.ts';

/** What the service runs on: every setting decided, typed and checked against the others. */
export interface Config {
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  /** Absolute. */
  readonly dataFolder: string;
  /**
   * Scheme, host and port under which others reach the service, without a slash at the end; never taken from a request.
   * undefined = where it listens, known once it does (`originOf`).
   */
  readonly origin: string | undefined;
  /** Other origins that lead here. */
  readonly alsoOrigins: readonly string[];
  readonly trustedProxies: TrustedProxies;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where Chromium's push client is let in, when there is a certificate; 0 = a free port. */
  readonly mcsPort: number;
  readonly mcsHeartbeatSeconds: number;
  /** Which push services of others are called to wake apps, and who they are told is calling. */
  readonly push: {
    readonly hosts: readonly string[];
    readonly privateAddresses: boolean;
    /** undefined = the origin. */
    readonly contact: string | undefined;
  };
  /** Where people ask, report and wish: a `mailto:` or `https:` URL. */
  readonly feedback: string | undefined;
  /** Where spans are sent to; undefined = none are made. */
  readonly otlpEndpoint: string | undefined;
  readonly webhooks: { readonly privateAddresses: boolean };
  /** Which SMTP server takes mail on, and who it comes from; undefined = no mail is sent. */
  readonly mail: (Omit<SmtpUrl, 'tls'> & MailSettings) | undefined;
  readonly compat: 'none' | '2013';
  readonly signUp: 'open' | 'invite' | 'closed';
  /** Messages of a project a day unless the project has its own number; 0 = no limit. */
  readonly dailyQuota: number;
  readonly devicesPerChannel: number;
  /** MiB of resident memory; 0 = no limit. */
  readonly memoryLimit: number;
  /** The ring of keys when it does not live in the data folder: its text, or the file that has it. */
  readonly secrets: { readonly text: string } | { readonly file: string } | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Only this machine can reach the service: http is fine, and the first account needs no set-up code. */
  readonly loopback: boolean;
}

interface MailSettings {
  /** `none` is for a server on this machine alone. */
  readonly encryption: 'tls' | 'starttls' | 'none';
  readonly from: string;
}

/** A setting, or two together, with which the service does not start. The message says how to mend it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Decides.
 * @param raw what was given; what was not takes the fallback of `settings`.
 * @param secretsText the ring of keys itself, from REVEILLE_SECRETS: it is never a flag, where every process could read it.
 * @throws ConfigError
 */
export function decideConfig(raw: RawSettings, secretsText?: string): Config {
  const host = (raw.host ?? settings.host.fallback).trim().replace(/^\[(.*)\]$/, '$1');
  const trustedProxies = parseTrustedProxies(raw.trustedProxy ?? '');
  if (trustedProxies === undefined)
    refuse('trustedProxy', raw, 'addresses or ranges, such as 10.0.0.0/8,::1');
  const config: Config = {
    host,
    port: wholeNumber('port', raw, 65_535),
    dataFolder: raw.data === undefined ? ownDataFolder : resolve(raw.data),
    origin: raw.origin === undefined ? undefined : readOrigin(raw),
    alsoOrigins: readAlsoOrigins(raw),
    trustedProxies,
    tls: readTls(raw),
    mcsPort: wholeNumber('mcsPort', raw, 65_535),
    mcsHeartbeatSeconds: wholeNumber('mcsHeartbeat', raw, 28 * 60, 1),
    push: readPush(raw),
    feedback: contact('feedback', raw),
    otlpEndpoint: readOtlpEndpoint(raw),
    webhooks: { privateAddresses: choice('webhookAddresses', raw, ['public', 'any']) === 'any' },
    mail: readMail(raw),
    compat: choice('compat', raw, ['none', '2013']),
    signUp: choice('signUp', raw, ['open', 'invite', 'closed']),
    dailyQuota: wholeNumber('dailyQuota', raw, Number.MAX_SAFE_INTEGER),
    devicesPerChannel: wholeNumber('devicesPerChannel', raw, limits.devicesPerChannelMax, 1),
    memoryLimit: wholeNumber('memoryLimit', raw, limits.memoryLimitMax),
    secrets: readSecrets(raw, secretsText),
    logLevel: choice('logLevel', raw, ['debug', 'info', 'warn', 'error', 'silent']),
    loopback: isLoopback(host) && trustedProxies.empty && originIsLoopback(raw),
  };
  assertSafe(config);
  return config;
}

/** The origin of a service that listens on `port`. */
export function originOf(config: Config, port: number): string {
  if (config.origin !== undefined) return config.origin;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  return new URL(`${config.tls === undefined ? 'http' : 'https'}://${host}:${port}`).origin;
}

/** True for an address or name that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host);
}

function assertSafe(config: Config): void {
  if (!isLoopback(config.host)) assertReachableSafely(config);
  const { origin } = config;
  if (origin?.startsWith('http:') && !isLoopback(hostOf(origin))) {
    throw new ConfigError(
      `--origin ${origin} must begin with https: browsers keep the sign-in cookie only there (http is for loopback).`,
    );
  }
}

function assertReachableSafely({ host, tls, trustedProxies, origin }: Config): void {
  if (tls === undefined && trustedProxies.empty) {
    throw new ConfigError(
      `Refusing to listen on ${host} without encryption: passwords and tokens would cross the network in the clear. ` +
        'Give --tls-cert and --tls-key, or put a proxy with TLS in front and name its address with --trusted-proxy.',
    );
  }
  if (origin === undefined) {
    throw new ConfigError(
      `--host ${host} needs --origin as well: the https URL under which others reach the service.`,
    );
  }
}

function originIsLoopback(raw: RawSettings): boolean {
  return raw.origin === undefined || isLoopback(hostOf(readOrigin(raw)));
}

function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1');
}

function readOrigin(raw: RawSettings): string {
  return (
    bareOrigin(raw.origin ?? '') ??
    refuse('origin', raw, 'a URL without a path, such as https://push.example')
  );
}

function readAlsoOrigins(raw: RawSettings): readonly string[] {
  const given = (raw.alsoOrigins ?? '').split(',').filter((entry) => entry.trim() !== '');
  const expected =
    'URLs without a path and with commas between, such as https://push.example,https://old.example';
  return given.map((text) => bareOrigin(text) ?? refuse('alsoOrigins', raw, expected));
}

/** undefined = no URL of the web, or one with more than an origin. */
function bareOrigin(text: string): string | undefined {
  const url = URL.parse(text.trim());
  const bare = url !== null && `${url.origin}/` === url.href && /^https?:$/.test(url.protocol);
  return bare ? url.origin : undefined;
}

function readTls(raw: RawSettings): Config['tls'] {
  const { tlsCert, tlsKey } = raw;
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new ConfigError('--tls-cert and --tls-key belong together: give both, or none.');
  }
  return { certFile: resolve(tlsCert), keyFile: resolve(tlsKey) };
}

function readPush(raw: RawSettings): Config['push'] {
  const hosts = parsePushHosts(raw.pushHosts ?? settings.pushHosts.fallback);
  if (hosts === undefined)
    refuse('pushHosts', raw, 'host names, such as vendors,push.example:8443,*.push.example');
  const privateAddresses = choice('pushAddresses', raw, ['public', 'any']) === 'any';
  return { hosts, privateAddresses, contact: contact('pushContact', raw) };
}

/** OTLP: the path is added to the base (OpenTelemetry Protocol Exporter specification, "Endpoint URLs for OTLP/HTTP"). */
function readOtlpEndpoint(raw: RawSettings): string | undefined {
  if (raw.otlpEndpoint === undefined) return undefined;
  const url = URL.parse(raw.otlpEndpoint.trim());
  if (url === null || !/^https?:$/.test(url.protocol))
    refuse('otlpEndpoint', raw, 'a URL such as http://127.0.0.1:4318');
  return `${url.href.replace(/\/$/, '')}/v1/traces`;
}

function readMail({ smtpUrl, mailFrom }: RawSettings): Config['mail'] {
  if (smtpUrl === undefined && mailFrom === undefined) return undefined;
  if (smtpUrl === undefined || mailFrom === undefined)
    throw new ConfigError('--smtp-url and --mail-from belong together: give both, or none.');
  const server = parseSmtpUrl(smtpUrl);
  // What was given is not repeated: it may hold a password.
  if (server === undefined)
    throw new ConfigError(
      '--smtp-url (REVEILLE_SMTP_URL) takes an address such as smtps://user:password@mail.example.org, ' +
        'signs of the password that a URL knows written as %40 and the like.',
    );
  const from = mailFrom.trim();
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(from))
    refuse('mailFrom', { mailFrom }, 'an address such as reveille@example.org');
  const { tls, ...rest } = server;
  return { ...rest, encryption: tls ? 'tls' : isLoopback(rest.host) ? 'none' : 'starttls', from };
}

function contact(name: 'pushContact' | 'feedback', raw: RawSettings): string | undefined {
  const given = raw[name]?.trim();
  if (given !== undefined && !/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.test(given))
    refuse(name, raw, 'an address such as mailto:push@example.org or https://example.org');
  return given;
}

function readSecrets(raw: RawSettings, text: string | undefined): Config['secrets'] {
  if (raw.secretsFile !== undefined && text !== undefined) {
    throw new ConfigError('REVEILLE_SECRETS and --secrets-file are both given: keep the one that you mean.');
  }
  if (text !== undefined) return { text };
  return raw.secretsFile === undefined ? undefined : { file: resolve(raw.secretsFile) };
}

function wholeNumber(
  name: 'port' | 'mcsPort' | 'mcsHeartbeat' | 'dailyQuota' | 'devicesPerChannel' | 'memoryLimit',
  raw: RawSettings,
  max: number,
  min = 0,
): number {
  const text = raw[name] ?? settings[name].fallback;
  const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= min && number <= max)) refuse(name, raw, `a whole number from ${min} to ${max}`);
  return number;
}

function choice<const Choice extends string>(
  name: 'compat' | 'signUp' | 'logLevel' | 'pushAddresses' | 'webhookAddresses',
  raw: RawSettings,
  choices: readonly Choice[],
): Choice {
  const text = raw[name] ?? settings[name].fallback;
  const chosen = choices.find((one) => one === text);
  if (chosen === undefined) refuse(name, raw, choices.join(', '));
  return chosen;
}

function refuse(name: SettingName, raw: RawSettings, expected: string): never {
  const { flag, variable } = settings[name];
  throw new ConfigError(
    `${flag.split(' ')[0]} (${variable}) cannot be ${JSON.stringify(raw[name] ?? '')}. It takes: ${expected}.`,
  );
}

if (Number(settings.dailyQuota.fallback) !== limits.dailyMessages) {
  throw new Error('settings: the fallback of dailyQuota is limits.dailyMessages');
}
if (Number(settings.devicesPerChannel.fallback) !== limits.devicesPerChannel) {
  throw new Error('settings: the fallback of devicesPerChannel is limits.devicesPerChannel');
}
