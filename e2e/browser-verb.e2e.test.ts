import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';
import { certificateFiles } from '../server/config/certificate-files.ts';

/** The verb starts real browsers, which come to a real server; the server's log says that they did. */
const program = new URL('../bin/reveille', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-browser-verb-'));
  const cert = Bun.spawn([program, 'cert', '--data', folder], { stdout: 'ignore', stderr: 'inherit' });
  expect(await cert.exited).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const debug = ['--log-level', 'debug'];
const https = () => {
  const { serverCert, serverKey } = certificateFiles(folder);
  return ['--tls-cert', serverCert, '--tls-key', serverKey];
};

/** A browser that the verb started, until it is told to end. */
function browser(town: Town, ...args: readonly string[]) {
  const child = Bun.spawn([program, 'browser', ...args, '--headless', '--server', town.origin], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: { ...process.env, REVEILLE_DATA: folder, TMPDIR: folder },
  });
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      expect(await child.exited).toBe(0);
      expect((await readdir(folder)).filter((name) => name.startsWith('reveille-browser-'))).toEqual([]);
    },
  };
}

const cameThrough = (town: Town, gateway: string) =>
  waitUntil(
    `a browser at ${gateway}`,
    async () =>
      town.log
        .split('\n')
        .some((line) => line.includes(`"gateway":"${gateway}"`) && line.includes('"msg":"connected"')),
    60_000,
  );

describe('reveille browser firefox', () => {
  for (const [name, flags] of [
    ['ws on loopback', () => []],
    ['wss with the certificate of cert', https],
  ] as const)
    test(`CI17 CI20 Firefox comes by ${name}`, async () => {
      await using town = await Town.start({ seeded: false, flags: [...debug, ...flags()] });
      await using _ = browser(town, 'firefox');
      await cameThrough(town, 'autopush');
    }, 90_000);
});
