import { describe, expect, test } from 'bun:test';
import { ConfigError, decideConfig, isLoopback, originOf } from './config.ts';
import { type RawSettings, readEnvironment, settings } from './env.ts';
import { vendorHosts } from './push-hosts.ts';

const refusal = (raw: RawSettings, secrets?: string): string => {
  try {
    decideConfig(raw, secrets);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error(`${JSON.stringify(raw)} was not refused`);
};

describe('reading', () => {
  test('CF1 nothing given is loopback, port 8030, the folder beside the program and the original quota', () => {
    const config = decideConfig({});
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8030,
      origin: undefined,
      tls: undefined,
      compat: 'none',
      signUp: 'open',
      dailyQuota: 10_000,
      devicesPerChannel: 20,
      secrets: undefined,
      logLevel: 'info',
      loopback: true,
    });
    expect(config.dataFolder).toBe(new URL('../../data', import.meta.url).pathname);
    expect(originOf(config, 8030)).toBe('http://127.0.0.1:8030');
  });

  test('CF1 the MCS port is 5228 and its heartbeat four minutes, unless given', () => {
    expect(decideConfig({})).toMatchObject({ mcsPort: 5228, mcsHeartbeatSeconds: 240 });
    expect(decideConfig({ mcsPort: '0', mcsHeartbeat: '60' })).toMatchObject({
      mcsPort: 0,
      mcsHeartbeatSeconds: 60,
    });
    expect(refusal({ mcsHeartbeat: '0' })).toContain('a whole number from 1 to');
    expect(refusal({ mcsPort: '70000' })).toContain('--mcs-port');
  });

  test('ML1 mail is encrypted unless its server is on this machine, and there is none unless given', () => {
    expect(decideConfig({}).mail).toBeUndefined();
    const from = 'reveille@example.org';
    const mail = (smtpUrl: string) => decideConfig({ smtpUrl, mailFrom: from }).mail;
    expect(mail('smtps://mail:p%40ss%3Aword@mail.example.org')).toEqual({
      host: 'mail.example.org',
      port: 465,
      encryption: 'tls',
      login: { user: 'mail', password: 'p@ss:word' },
      from,
    });
    expect(mail('smtp://mail.example.org')).toMatchObject({
      port: 587,
      encryption: 'starttls',
      login: undefined,
    });
    expect(mail('smtp://localhost:25')).toMatchObject({ host: 'localhost', port: 25, encryption: 'none' });
    expect(mail('smtp://[::1]:25')).toMatchObject({ host: '::1', encryption: 'none' });
    expect(mail('smtps://localhost')).toMatchObject({ encryption: 'tls' });
  });

  test('WK15 the push services of the vendors are called, at public addresses, unless the operator says otherwise', () => {
    expect(decideConfig({}).push).toEqual({
      hosts: vendorHosts,
      privateAddresses: false,
      contact: undefined,
    });
    const given = {
      pushHosts: 'Push.Example:8443, *.push.example,vendors',
      pushAddresses: 'any',
      pushContact: 'mailto:push@example.org',
    };
    expect(decideConfig(given).push).toEqual({
      hosts: ['push.example:8443', '*.push.example', ...vendorHosts],
      privateAddresses: true,
      contact: 'mailto:push@example.org',
    });
    expect(decideConfig({ pushHosts: 'none' }).push.hosts).toEqual([]);
  });

  test('WK15 hosts, addresses and a contact of another form are refused', () => {
    for (const pushHosts of ['https://push.example', 'push.*', '*', 'push.example:0', 'push.example/x'])
      expect(refusal({ pushHosts })).toContain('--push-hosts');
    expect(refusal({ pushAddresses: 'private' })).toContain('--push-addresses');
    for (const pushContact of ['push@example.org', 'http://example.org', 'mailto:nobody'])
      expect(refusal({ pushContact })).toContain('--push-contact');
  });

  test('WH2 webhooks are called at public addresses, unless the operator says otherwise', () => {
    expect(decideConfig({}).webhooks.privateAddresses).toBe(false);
    expect(decideConfig({ webhookAddresses: 'any' }).webhooks.privateAddresses).toBe(true);
    expect(refusal({ webhookAddresses: 'private' })).toContain('--webhook-addresses');
  });

  test('CF1 every setting has a variable of its own, and only those are read', () => {
    const variables = Object.values(settings).map((setting) => setting.variable);
    expect(new Set(variables).size).toBe(variables.length);
    const environment = Object.fromEntries(variables.map((variable, i) => [variable, String(i)]));
    const given = readEnvironment({ ...environment, PORT: '1', REVEILLE_OTHER: 'x' });
    expect(Object.keys(given)).toEqual(Object.keys(settings));
  });

  test('CF1 an empty variable counts as not given, and a flag wins over a variable', () => {
    const environment = readEnvironment({
      REVEILLE_PORT: '',
      REVEILLE_DAILY_QUOTA: '5',
      REVEILLE_SIGN_UP: 'closed',
    });
    expect(environment).toEqual({ dailyQuota: '5', signUp: 'closed' });
    expect(decideConfig({ ...environment, dailyQuota: '0' })).toMatchObject({
      port: 8030,
      dailyQuota: 0,
      signUp: 'closed',
    });
  });

  test('CF1 files and folders become absolute, an IPv6 host loses and its origin gains the brackets', () => {
    const config = decideConfig({
      data: 'somewhere',
      host: '[::1]',
      tlsCert: 'a.pem',
      tlsKey: 'b.pem',
      secretsFile: 'ring',
    });
    expect(config.dataFolder).toBe(`${process.cwd()}/somewhere`);
    expect(config.tls).toEqual({ certFile: `${process.cwd()}/a.pem`, keyFile: `${process.cwd()}/b.pem` });
    expect(config.secrets).toEqual({ file: `${process.cwd()}/ring` });
    expect(originOf(config, 443)).toBe('https://[::1]');
  });

  test('CF1 the ring of keys may come as text, and the text goes into no message', () => {
    expect(decideConfig({}, 'ring').secrets).toEqual({ text: 'ring' });
    expect(refusal({ secretsFile: '/x' }, 'very-secret')).not.toContain('very-secret');
  });
});

test('CF1 further origins stand with commas between', () => {
  expect(decideConfig({}).alsoOrigins).toEqual([]);
  const { alsoOrigins } = decideConfig({ alsoOrigins: 'https://a.example, https://b.example:8443/' });
  expect(alsoOrigins).toEqual(['https://a.example', 'https://b.example:8443']);
});

describe('refusing', () => {
  test.each([
    ['port', '80301', '--port (REVEILLE_PORT) cannot be "80301". It takes: a whole number from 0 to 65535.'],
    ['port', '-1', '--port'],
    ['port', '8e3', '--port'],
    ['port', ' ', '--port'],
    ['dailyQuota', 'many', '--daily-quota (REVEILLE_DAILY_QUOTA)'],
    ['devicesPerChannel', '0', 'a whole number from 1 to'],
    ['compat', '2014', 'It takes: none, 2013.'],
    ['signUp', 'everyone', 'It takes: open, invite, closed.'],
    ['logLevel', 'loud', 'It takes: debug'],
    ['trustedProxy', 'proxy.example', '--trusted-proxy (REVEILLE_TRUSTED_PROXY)'],
    ['trustedProxy', '10.0.0.0/33', '--trusted-proxy'],
    ['trustedProxy', '10.0.0.0/8/8', '--trusted-proxy'],
    ['origin', 'push.example', 'a URL without a path'],
    ['origin', 'https://push.example/path', 'a URL without a path'],
    ['origin', 'https://user:word@push.example', 'a URL without a path'],
    ['origin', 'ftp://push.example', 'a URL without a path'],
    ['alsoOrigins', 'https://a.example,b.example', '--also-origins (REVEILLE_ALSO_ORIGINS)'],
    ['otlpEndpoint', 'grpc://collector.example', '--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)'],
    ['feedback', 'http://issues.example', '--feedback (REVEILLE_FEEDBACK)'],
    ['feedback', 'javascript:alert(1)', 'mailto:push@example.org'],
    ['alsoOrigins', 'https://a.example/path', 'URLs without a path'],
  ])('CF2 %s %p is refused with a text', (name, value, text) => {
    expect(refusal({ [name]: value })).toContain(text);
  });

  test('CF2 an SMTP server and a sender belong together, and what is given of the URL is not repeated', () => {
    const mailFrom = 'reveille@example.org';
    expect(refusal({ mailFrom })).toContain('belong together');
    expect(refusal({ smtpUrl: 'smtps://mail.example.org' })).toContain('belong together');
    expect(refusal({ smtpUrl: 'smtps://mail.example.org', mailFrom: 'Reveille' })).toContain('--mail-from');
    for (const smtpUrl of [
      'mail.example.org',
      'https://u:secret@mail.example.org',
      'smtp://u:secret@',
      'smtp://u@mail.example.org',
      'smtps://u:secret@mail.example.org/?tls.rejectUnauthorized=false',
      'smtps://u:secret@mail.example.org/path',
      'smtps://u:%E0secret@mail.example.org',
    ]) {
      const text = refusal({ smtpUrl, mailFrom });
      expect(text).toContain('--smtp-url (REVEILLE_SMTP_URL) takes');
      expect(text).not.toContain('secret');
    }
  });

  test('CF2 half a pair of TLS files is refused', () => {
    expect(refusal({ tlsKey: '/k' })).toContain('belong together');
    expect(refusal({ tlsCert: '/c' })).toContain('belong together');
  });

  test.each(['0.0.0.0', '::', '192.168.1.5', 'push.example'])(
    'CF3 %s is refused without TLS or a trusted proxy',
    (host) => {
      expect(refusal({ host, origin: 'https://push.example' })).toContain('Refusing to listen');
    },
  );

  test('CF3 with a trusted proxy or TLS a reachable address still needs its https origin', () => {
    const proxy = { host: '0.0.0.0', trustedProxy: '10.0.0.1' };
    expect(refusal(proxy)).toContain('needs --origin');
    expect(refusal({ ...proxy, origin: 'http://push.example' })).toContain('must begin with https');
    const accepted = decideConfig({ ...proxy, origin: 'https://push.example' });
    expect(originOf(accepted, 8030)).toBe('https://push.example');
    expect(accepted.loopback).toBe(false);
    const files = { tlsCert: '/c', tlsKey: '/k' };
    expect(decideConfig({ host: '0.0.0.0', ...files, origin: 'https://push.example' }).loopback).toBe(false);
  });

  test('CF3 a plain http origin that others reach is refused behind loopback too', () => {
    expect(refusal({ origin: 'http://push.example' })).toContain('must begin with https');
    expect(decideConfig({ origin: 'http://localhost:9000' }).loopback).toBe(true);
  });

  test('CF3 loopback behind a proxy, or under a name of the world, is not loopback', () => {
    expect(decideConfig({ trustedProxy: '127.0.0.1' }).loopback).toBe(false);
    expect(decideConfig({ origin: 'https://push.example' }).loopback).toBe(false);
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) expect(isLoopback(host)).toBe(true);
    for (const host of ['128.0.0.1', '127.evil.example', '0.0.0.0']) expect(isLoopback(host)).toBe(false);
  });
});
