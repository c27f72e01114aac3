import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserSettings, browserSettings } from '../protocol/browser-settings.ts';
import { type Certified, issueCertificate, makeAuthority } from '../server/config/certificates.ts';
import { checkPushDoor, checkRunningBrowsers, type Machine } from './browser-findings.ts';
import { pushSwitches } from './chromium.ts';

const DAY_MS = 86_400_000;
const now = new Date();
let authority: Certified;
let folder: string;
let machine: Machine;

beforeAll(async () => {
  authority = await makeAuthority(now);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-browsers-'));
  machine = {
    processes: join(folder, 'proc'),
    chromiumPolicies: join(folder, 'managed'),
    firefoxPolicies: join(folder, 'policies.json'),
  };
  await mkdir(machine.processes);
  await mkdir(machine.chromiumPolicies);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const settingsAt = (mcsPort: number | undefined) => browserSettings('http://127.0.0.1:8030', mcsPort);

/** What is found at a door with this certificate. */
async function findingsAt({ cert, key }: Certified, known: string | undefined = authority.cert) {
  using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    fetch: () => new Response(),
  });
  return await checkPushDoor(settingsAt(server.port), known, machine);
}

describe("the door of Chromium's push client", () => {
  test('CI22 one that is shut for want of a certificate is told so', async () => {
    expect(await checkPushDoor(settingsAt(undefined), undefined, machine)).toMatchObject([
      {
        state: 'wrong',
        fact: expect.stringContaining('certificate'),
        mend: expect.stringContaining('reveille cert'),
      },
    ]);
  });

  test('CI22 a port where nothing answers is told so', async () => {
    expect(await checkPushDoor(settingsAt(9), undefined, machine)).toMatchObject([
      {
        state: 'wrong',
        fact: expect.stringContaining('ECONNREFUSED'),
        mend: expect.stringContaining('--mcs-port'),
      },
    ]);
  });

  test('CI22 a certificate that nobody vouches for, of another name or out of date is told so', async () => {
    const good = await issueCertificate(authority, ['127.0.0.1'], now);
    const stranger = (await makeAuthority(now)).cert;
    expect((await findingsAt(good, stranger))[1]).toMatchObject({
      state: 'wrong',
      fact: expect.stringContaining('vouches'),
    });
    const other = await issueCertificate(authority, ['push.example'], now);
    expect((await findingsAt(other))[1]).toMatchObject({
      state: 'wrong',
      mend: expect.stringContaining('--host 127.0.0.1'),
    });
    const old = await issueCertificate(authority, ['127.0.0.1'], new Date(now.getTime() - 830 * DAY_MS));
    expect((await findingsAt(old))[1]).toMatchObject({
      state: 'wrong',
      fact: expect.stringContaining('ran out'),
    });
    const ending = await issueCertificate(authority, ['127.0.0.1'], new Date(now.getTime() - 815 * DAY_MS));
    expect((await findingsAt(ending))[1]).toMatchObject({
      state: 'note',
      fact: expect.stringContaining('runs out'),
    });
  });

  test('CI22 a good one is a note until a policy names its authority', async () => {
    const good = await issueCertificate(authority, ['127.0.0.1'], now);
    expect(await findingsAt(good)).toMatchObject([{ state: 'good' }, { state: 'note' }]);
    const named = { CACertificates: [new X509Certificate(authority.cert).raw.toString('base64')] };
    await writeFile(join(machine.chromiumPolicies, 'any.json'), JSON.stringify(named));
    expect(await findingsAt(good)).toMatchObject([{ state: 'good' }, { state: 'good' }]);
  });
});

describe('the browsers that run', () => {
  const settings: BrowserSettings = settingsAt(5228);
  const runs = async (pid: string, ...words: readonly string[]) => {
    await mkdir(join(machine.processes, pid));
    await writeFile(join(machine.processes, pid, 'cmdline'), words.map((word) => `${word}\0`).join(''));
  };

  test('CI22 none is a note', async () => {
    await runs('1', '/sbin/init');
    expect(await checkRunningBrowsers(settings, machine)).toMatchObject([
      { state: 'note', subject: 'browsers' },
    ]);
  });

  test('CI22 a Chromium is asked for the switches, its children are not', async () => {
    await runs('10', '/usr/lib/chromium/chromium', ...pushSwitches(settings));
    await runs('11', '/usr/lib/chromium/chromium', '--type=renderer');
    await runs('12', '/usr/lib/chromium/chromium', pushSwitches(settings)[0] ?? '');
    const findings = await checkRunningBrowsers(settings, machine);
    expect(findings).toHaveLength(2);
    expect(findings.find(({ subject }) => subject.endsWith(' 10'))).toMatchObject({ state: 'good' });
    expect(findings.find(({ subject }) => subject.endsWith(' 12'))).toMatchObject({
      state: 'note',
      fact: 'was started without --gcm-registration-url, --gcm-mcs-endpoint',
    });
  });

  test('CI22 a Firefox is asked for the preference, in its profile or by policy', async () => {
    const profile = join(folder, 'profile');
    await mkdir(profile);
    await runs('20', 'firefox-esr', '--profile', profile);
    await runs('21', 'firefox-esr', '-contentproc', '{1}');
    const only = async () => (await checkRunningBrowsers(settings, machine))[0];
    expect(await only()).toMatchObject({ state: 'note', subject: 'Firefox, process 20' });
    const { pushUrl } = settings.firefox;
    await writeFile(join(profile, 'prefs.js'), `user_pref("dom.push.serverURL", "${pushUrl}");`);
    expect(await only()).toMatchObject({ state: 'good' });
    await rm(join(profile, 'prefs.js'));
    const policies = { Preferences: { 'dom.push.serverURL': { Value: pushUrl } } };
    await writeFile(machine.firefoxPolicies, JSON.stringify({ policies }));
    expect(await only()).toMatchObject({ state: 'good', fact: expect.stringContaining('policies.json') });
  });
});
