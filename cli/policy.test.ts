import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BROWSERS_PATH, browserSettings } from '../protocol/browser-settings.ts';
import { makeAuthority } from '../server/config/certificates.ts';

const program = new URL('../bin/reveille', import.meta.url).pathname;
const APP = 'abcdefghijklmnopabcdefghijklmnop';
let folder: string;
let authority: string;
let mcsPort: number | undefined = 5228;
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) =>
    new URL(url).pathname === BROWSERS_PATH
      ? Response.json(browserSettings(new URL(url).origin, mcsPort))
      : new Response('', { status: 404 }),
});
const { origin } = server.url;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-policy-'));
  authority = (await makeAuthority(new Date())).cert;
  await writeFile(join(folder, 'ca.crt'), authority);
});
afterAll(async () => {
  await server.stop(true);
  await rm(folder, { recursive: true, force: true });
});

async function policy(...args: readonly string[]) {
  const child = Bun.spawn([program, 'policy', ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      REVEILLE_SERVER: origin,
      REVEILLE_DATA: join(folder, 'none'),
    },
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output, errors: errors.trimEnd(), code: await child.exited };
}

/** The files that were printed, by path. */
function filesIn(output: string): Record<string, string> {
  const parts = output.split(/^# (\/\S+)$/m).slice(1);
  return Object.fromEntries(
    parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [])),
  );
}

describe('policy', () => {
  test('CI21 for Chromium it prints a managed policy, and a drop-in whose switches a shell adds', async () => {
    const extra = ['--ca', join(folder, 'ca.crt'), '--notifications', 'https://app.example/x'];
    const { output } = await policy(
      'chromium',
      ...extra,
      '--extension',
      `${APP};https://store.example/u?a=1;2`,
    );
    const files = filesIn(output);
    expect(JSON.parse(files['/etc/chromium/policies/managed/reveille.json'] ?? '')).toEqual({
      CACertificates: [new X509Certificate(authority).raw.toString('base64')],
      NotificationsAllowedForUrls: [origin, 'https://app.example'],
      ExtensionSettings: {
        [APP]: {
          installation_mode: 'normal_installed',
          update_url: 'https://store.example/u?a=1;2',
          override_update_url: true,
        },
      },
    });
    const dropIn = files['/etc/chromium.d/reveille'] ?? '';
    const { stdout } = Bun.spawnSync(['sh', '-c', `CHROMIUM_FLAGS=--mine\n${dropIn}\necho $CHROMIUM_FLAGS`]);
    expect(stdout.toString().trim().split(' ')).toEqual([
      '--mine',
      `--gcm-checkin-url=${origin}/checkin`,
      `--gcm-registration-url=${origin}/register3`,
      '--gcm-mcs-endpoint=https://127.0.0.1:5228',
    ]);
  });

  test('ES17 for Chromium the id alone takes an extension from the store of the server', async () => {
    const files = filesIn((await policy('chromium', '--extension', APP)).output);
    const { ExtensionSettings } = JSON.parse(files['/etc/chromium/policies/managed/reveille.json'] ?? '');
    expect(ExtensionSettings[APP].update_url).toBe(`${origin}/service/update2/crx`);
  });

  test('CI21 for Firefox one policy is enough, with the authority beside it', async () => {
    const { output } = await policy('firefox', '--ca', join(folder, 'ca.crt'));
    const files = filesIn(output);
    expect(JSON.parse(files['/etc/firefox/policies/policies.json'] ?? '')).toEqual({
      policies: {
        Preferences: {
          'dom.push.serverURL': { Value: `${origin.replace('http', 'ws')}/autopush`, Status: 'locked' },
          'dom.push.testing.allowInsecureServerURL': { Value: true, Status: 'locked' },
          'dom.push.connection.enabled': { Value: true, Status: 'locked' },
        },
        Certificates: { Install: ['/etc/firefox/policies/reveille-ca.crt'] },
        Permissions: { Notifications: { Allow: [origin] } },
      },
    });
    const installed = new X509Certificate(files['/etc/firefox/policies/reveille-ca.crt'] ?? '');
    expect(installed.fingerprint256).toBe(new X509Certificate(authority).fingerprint256);
  });

  test('CI21 without an authority of its own it asks for none, and with --to it writes', async () => {
    const root = join(folder, 'root');
    const { output } = await policy(
      'firefox',
      '--to',
      root,
      '--extension',
      'app@a.example;file:///opt/a.xpi',
    );
    const path = join(root, '/etc/firefox/policies/policies.json');
    expect(output.trim()).toBe(path);
    const { policies } = JSON.parse(await readFile(path, 'utf8'));
    expect(policies.Certificates).toBeUndefined();
    expect(policies.ExtensionSettings).toEqual({
      'app@a.example': { installation_mode: 'normal_installed', install_url: 'file:///opt/a.xpi' },
    });
    expect(JSON.stringify(filesIn((await policy('chromium')).output))).not.toContain('CACertificates');
  });

  test('CI21 what cannot be read is refused, and so is Chromium while its door is shut', async () => {
    expect((await policy('chromium', '--extension', 'app')).errors).toContain('--extension');
    expect((await policy('firefox', '--extension', APP)).errors).toContain('--extension');
    expect((await policy('firefox', '--notifications', 'app')).errors).toContain('--notifications');
    mcsPort = undefined;
    const { errors, code } = await policy('chromium');
    mcsPort = 5228;
    expect(errors).toContain('./bin/reveille cert');
    expect(code).toBe(1);
    expect((await policy('safari')).code).toBe(1);
  });
});
