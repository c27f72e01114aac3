import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town } from '../dev-env/town.ts';
import { BROWSERS_PATH, browserSettings } from '../protocol/browser-settings.ts';
import { certificateFiles } from '../server/config/certificate-files.ts';

/** The real program, each time in a process of its own, and a script in the place of the browser that writes down its arguments. */
const program = new URL('../bin/reveille', import.meta.url).pathname;
const hello = new URL('../examples/hello-push', import.meta.url).pathname;
let town: Town;
let folder: string;
let data: string;
let recorder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-verb-'));
  data = join(folder, 'data');
  recorder = join(folder, 'browser');
  await writeFile(
    recorder,
    `#!/bin/sh
for word; do echo "$word"; case $word in --load-extension=*) cat "\${word#*=}/manifest.json";; esac; done
if [ "$1" = --no-remote ]; then cat "$3/user.js"; fi
[ -z "$STAY" ] || exec sleep 60
exit 7
`,
    { mode: 0o755 },
  );
  town = await Town.start({ seeded: false });
});
afterAll(async () => {
  await town?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function start(args: readonly string[], environment: Record<string, string> = {}) {
  return Bun.spawn([program, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      PATH: process.env.PATH,
      HOME: join(folder, 'home'),
      TMPDIR: folder,
      REVEILLE_SERVER: town.origin,
      REVEILLE_DATA: data,
      CHROMIUM: recorder,
      FIREFOX: recorder,
      ...environment,
    },
  });
}

async function reveille(args: readonly string[], environment?: Record<string, string>) {
  const child = start(args, environment);
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output: output.trimEnd(), errors: errors.trimEnd(), code: await child.exited };
}

/** A server that lets Chromium in at `mcsPort`, for what the verb makes of that. */
const lettingIn = (mcsPort: number | undefined) =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url }) =>
      new URL(url).pathname === BROWSERS_PATH
        ? Response.json(browserSettings(new URL(url).origin, mcsPort))
        : new Response('', { status: 404 }),
  });

const leftovers = async () => (await readdir(folder)).filter((name) => name.startsWith('reveille-'));

describe('cert', () => {
  test('CI14 CI15 makes both for this machine and the names given, and says how to go on', async () => {
    const { output, code } = await reveille(['cert', '--host', 'push.example', '192.0.2.1']);
    expect(code).toBe(0);
    const files = certificateFiles(data);
    for (const told of [files.authorityCert, `--tls-cert ${files.serverCert} --tls-key ${files.serverKey}`])
      expect(output).toContain(told);
    expect(output).toContain('push.example 192.0.2.1 localhost 127.0.0.1 ::1');
    expect(output).toContain('certutil');
    expect((await stat(files.serverKey)).mode & 0o777).toBe(0o600);
    expect((await reveille(['cert'])).output).toContain('the one from before');
  });

  test('CI14 a host that is none is one sentence', async () => {
    const { errors, code } = await reveille(['cert', '--host', 'https://push.example']);
    expect(errors).toBe('reveille: --host takes a DNS name or an IP address, not "https://push.example".');
    expect(code).toBe(1);
  });

  test('CI14 CI20 a server with it is reached over https by the verbs that know its authority', async () => {
    const { serverCert, serverKey, authorityCert } = certificateFiles(data);
    await using secure = await Town.start({
      seeded: false,
      flags: ['--tls-cert', serverCert, '--tls-key', serverKey, '--mcs-port', '0'],
    });
    expect(secure.origin).toStartWith('https://');
    const { output } = await reveille(['browser', 'firefox', '--print', '--server', secure.origin]);
    expect(output).toContain(
      `user_pref("dom.push.serverURL", "${secure.origin.replace('https', 'wss')}/autopush");`,
    );
    expect(output).not.toContain('allowInsecureServerURL');
    expect(output).toMatch(
      /127\.0\.0\.1:[0-9]+:\tOID\.2\.16\.840\.1\.101\.3\.4\.2\.1\t([0-9A-F]{2}:){31}[0-9A-F]{2}\t/,
    );
    const elsewhere = { REVEILLE_DATA: join(folder, 'nothing') };
    const unknown = await reveille(['browser', 'firefox', '--print', '--server', secure.origin], elsewhere);
    expect(unknown.errors).toContain('cannot be reached');
    const named = ['browser', 'firefox', '--print', '--server', secure.origin, '--ca', authorityCert];
    expect((await reveille(named, elsewhere)).output).toBe(output);
  });
});

describe('browser --print', () => {
  test('CI18 shows the preferences and the command line of Firefox', async () => {
    const { output } = await reveille([
      'browser',
      'firefox',
      '--headless',
      '--print',
      '--',
      'https://a.example/?q=1&r',
    ]);
    expect(output).toBe(`profile=$(mktemp -d)
cat > "$profile/user.js" <<'END'
user_pref("dom.push.serverURL", "${town.origin.replace('http', 'ws')}/autopush");
user_pref("dom.push.testing.allowInsecureServerURL", true);
user_pref("dom.push.connection.enabled", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("alerts.useSystemBackend", false);
END
${recorder} \\
  --no-remote \\
  --profile \\
  "$profile" \\
  --headless \\
  'https://a.example/?q=1&r'`);
    expect(await leftovers()).toEqual([]);
  });

  test('CI18 shows the switches of Chromium', async () => {
    const { serverCert, serverKey } = certificateFiles(data);
    using door = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: { cert: await readFile(serverCert, 'utf8'), key: await readFile(serverKey, 'utf8') },
      fetch: () => new Response(),
    });
    using server = lettingIn(door.port);
    const { origin } = server.url;
    const profile = join(folder, 'my profile');
    const { output } = await reveille([
      'browser',
      'chromium',
      '--print',
      '--server',
      origin,
      '--profile',
      profile,
    ]);
    const words = output.split(' \\\n  ').filter((word) => word !== '--no-sandbox');
    expect(words.map((word) => word.replace(/(spki-list=).{44}$/, '$1HASH'))).toEqual([
      `profile='${profile}'\n${recorder}`,
      '--user-data-dir="$profile"',
      '--no-first-run',
      '--no-default-browser-check',
      `--gcm-checkin-url=${origin}/checkin`,
      `--gcm-registration-url=${origin}/register3`,
      `--gcm-mcs-endpoint=https://127.0.0.1:${door.port}`,
      '--ignore-certificate-errors-spki-list=HASH',
      `${origin}/`,
    ]);
    expect(existsSync(profile)).toBe(false);
  });

  test('CI18 what it prints starts the same browser', async () => {
    const args = ['browser', 'firefox', '--headless'];
    const printed = await reveille([...args, '--print']);
    const shell = Bun.spawnSync(['sh', '-c', printed.output], {
      env: { PATH: process.env.PATH ?? '', TMPDIR: folder },
    });
    const plain = (text: string) => text.replaceAll(/^\/.*$/gm, 'PROFILE').trimEnd();
    expect(plain(shell.stdout.toString())).toBe(plain((await reveille(args)).output));
    expect(shell.exitCode).toBe(7);
  });
});

describe('browser', () => {
  test('CI17 passes on what stands behind --, ends as the browser ends, and leaves nothing behind', async () => {
    const before = await leftovers();
    const { output, errors, code } = await reveille([
      'browser',
      'firefox',
      '--headless',
      '--',
      '--kiosk',
      'about:blank',
    ]);
    const [, , profile = ''] = output.split('\n');
    expect(output.split('\n').slice(3, 6)).toEqual(['--headless', '--kiosk', 'about:blank']);
    expect(output).toContain('dom.push.serverURL');
    expect(errors).toContain(`${profile}, removed at the end`);
    expect(code).toBe(7);
    expect(await leftovers()).toEqual(before);
  });

  test('CI17 a profile that is named is kept; told to end, it ends the browser and with 0', async () => {
    const profile = join(folder, 'kept');
    const child = start(['browser', 'firefox', '--profile', profile], { STAY: '1' });
    for await (const chunk of child.stdout) if (new TextDecoder().decode(chunk).includes('user_pref')) break;
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await readFile(join(profile, 'user.js'), 'utf8')).toContain('dom.push.serverURL');
    expect((await stat(profile)).mode & 0o777).toBe(0o700);
  });

  test('CI17 a server that lets no Chromium in, or is not there, is told in one sentence', async () => {
    using server = lettingIn(undefined);
    const shut = await reveille(['browser', 'chromium', '--server', server.url.origin]);
    expect(shut.errors).toContain('./bin/reveille cert');
    expect(shut.errors.split('\n')).toHaveLength(1);
    expect(shut.code).toBe(1);
    const other = await reveille([
      'browser',
      'chromium',
      '--server',
      new URL('/', server.url).origin.replace(/\d+$/, '9'),
    ]);
    expect(other.errors).toContain('cannot be reached');
  });
});

describe('browser --load', () => {
  const load = async (extension: string, server: string) => {
    const { output, errors } = await reveille([
      'browser',
      'chromium',
      '--server',
      server,
      '--load',
      extension,
    ]);
    const [before = '', manifest = ''] = output.split(/^--load-extension=.*\n/m);
    return { before, errors, manifest: JSON.parse(`${manifest.slice(0, manifest.indexOf('\n}') + 2)}`) };
  };

  test('CI19 fits a copy to the server and leaves the folder as it is', async () => {
    using door = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: {
        cert: await readFile(certificateFiles(data).serverCert, 'utf8'),
        key: await readFile(certificateFiles(data).serverKey, 'utf8'),
      },
      fetch: () => new Response(),
    });
    using server = lettingIn(door.port);
    const { origin } = server.url;
    const text = await readFile(join(hello, 'manifest.json'), 'utf8');
    const before = await leftovers();
    const own = await load(hello, origin);
    expect(own.manifest).toEqual({ ...JSON.parse(text), push_messaging: { server: origin } });
    expect(own.errors).toContain('its own key');
    expect(await readFile(join(hello, 'manifest.json'), 'utf8')).toBe(text);
    expect(await leftovers()).toEqual(before);

    // What bootstrap leaves, as of that server.
    const demo = JSON.parse((await reveille(['bootstrap', '--json'])).output);
    const records = join(folder, 'home', '.config', 'reveille');
    const account = await readFile(join(records, encodeURIComponent(town.origin), 'account.json'), 'utf8');
    await mkdir(join(records, encodeURIComponent(origin)), { recursive: true });
    await writeFile(join(records, encodeURIComponent(origin), 'account.json'), account);
    const borrowed = await load(hello, origin);
    expect(borrowed.manifest.key).toBe(demo.app.key);
    expect(borrowed.errors).toContain(demo.app.id);

    const other = join(folder, 'other');
    await mkdir(other);
    const manifest = { manifest_version: 3, name: 'Other', version: '1', push_messaging: { more: 1 } };
    await writeFile(join(other, 'manifest.json'), JSON.stringify({ ...manifest, key: 'its own' }));
    expect((await load(other, origin)).manifest).toEqual({
      ...manifest,
      key: 'its own',
      push_messaging: { more: 1, server: origin },
    });
    await writeFile(join(other, 'manifest.json'), JSON.stringify(manifest));
    expect((await load(other, origin)).manifest.key).toBe(demo.app.key);
  });

  test('CI19 what is no extension, or none for Firefox, is told in one sentence', async () => {
    const none = await reveille(['browser', 'firefox', '--load', join(folder, 'nowhere')]);
    expect(none.errors).toContain('nowhere/manifest.json cannot be read (ENOENT)');
    const unnamed = await reveille(['browser', 'firefox', '--load', hello]);
    expect(unnamed.errors).toContain('"gecko"');
  });

  test('CI19 Firefox finds the copy by a file of its profile', async () => {
    const extension = join(folder, 'for-firefox');
    await mkdir(extension);
    const gecko = { id: 'app@reveille.example' };
    const manifest = { manifest_version: 3, name: 'x', version: '1', browser_specific_settings: { gecko } };
    await writeFile(join(extension, 'manifest.json'), JSON.stringify(manifest));
    const profile = join(folder, 'firefox-profile');
    const { output } = await reveille(['browser', 'firefox', '--profile', profile, '--load', extension]);
    expect(output).toContain('user_pref("xpinstall.signatures.required", false);');
    expect(await readFile(join(profile, 'extensions', gecko.id), 'utf8')).toContain('for-firefox-');
  });
});

describe('doctor --browser', () => {
  const doctor = (data: string, ...more: readonly string[]) =>
    reveille(['doctor', '--port', new URL(town.origin).port, '--data', data, ...more]);

  test('CI22 says that the door is shut for want of a certificate, and only when asked', async () => {
    const { output, code } = await doctor(data, '--browser');
    expect(output).toContain("WRONG  door of Chromium's push client: shut, for want of a certificate");
    expect(output).toContain('./bin/reveille cert');
    expect(code).toBe(1);
    expect((await doctor(data)).output).not.toContain('Chromium');
  });

  test('CI22 finds a server that speaks https with the certificate of cert, and its open door', async () => {
    const { serverCert, serverKey } = certificateFiles(data);
    const https = ['--tls-cert', serverCert, '--tls-key', serverKey];
    await using secure = await Town.start({ seeded: false, flags: [...https, '--mcs-port', '0'] });
    const port = ['--port', new URL(secure.origin).port];
    const { output } = await reveille(['doctor', ...port, '--data', data, ...https, '--browser']);
    expect(output).toMatch(/ok {4} port [0-9]+ on 127\.0\.0\.1: Reveille is running there/);
    expect(output).toMatch(
      /ok {4} door of Chromium's push client: https:\/\/127\.0\.0\.1:[0-9]+ answers with TLS/,
    );
    expect(output).not.toContain('WRONG');
  });
});
