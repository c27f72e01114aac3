import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decideConfig } from '../server/config/config.ts';
import { checkClock, checkDataFolder, checkLimits, checkPort, checkReachability } from './findings.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-doctor-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Something that answers as Reveille's health door does. */
const healthy = (headers: Record<string, string> = {}) =>
  Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok', { headers }) });

const configAt = (port: number, origin?: string) =>
  decideConfig({ port: String(port), ...(origin === undefined ? {} : { origin }) });

describe('port', () => {
  test('CI13 a free port is good', async () => {
    const server = healthy();
    const port = Number(server.url.port);
    await server.stop(true);
    expect(await checkPort(configAt(port))).toMatchObject({
      finding: { state: 'good', fact: 'free' },
      running: undefined,
    });
  });

  test('CI13 a port with Reveille on it is good, one with another program is not', async () => {
    using reveille = healthy();
    expect(await checkPort(configAt(Number(reveille.url.port)))).toMatchObject({
      finding: { state: 'good' },
      running: reveille.url.origin,
    });
    using other = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => new Response('', { status: 404 }),
    });
    const { finding } = await checkPort(configAt(Number(other.url.port)));
    expect(finding).toMatchObject({ state: 'wrong', mend: expect.stringContaining('--port') });
  });

  test('CI13 an address that is not of this machine is named', async () => {
    const config = decideConfig({
      host: '192.0.2.1',
      port: '0',
      origin: 'https://p.example',
      trustedProxy: '::1',
    });
    const { finding } = await checkPort(config);
    expect(finding).toMatchObject({ state: 'wrong', mend: expect.stringContaining('--host') });
  });
});

describe('data folder', () => {
  test('CI13 a folder that can be written is good, one that others can open is worth a note', async () => {
    await chmod(folder, 0o700);
    expect(await checkDataFolder(folder)).toMatchObject({ state: 'good' });
    await chmod(folder, 0o755);
    expect(await checkDataFolder(folder)).toMatchObject({ state: 'note', mend: `chmod 700 ${folder}` });
  });

  test('CI13 one that is missing will be made, and looking makes nothing', async () => {
    const missing = join(folder, 'a', 'b');
    expect(await checkDataFolder(missing)).toMatchObject({
      state: 'good',
      fact: expect.stringContaining('serve'),
    });
    expect(await Bun.file(join(folder, 'a')).exists()).toBe(false);
  });

  test('CI13 a file in its place, and a place where nothing can be written, are wrong', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await checkDataFolder(join(folder, 'file'))).toMatchObject({ state: 'wrong' });
    expect(await checkDataFolder('/proc/self')).toMatchObject({ state: 'wrong' });
  });
});

describe('clock, limits, reachability', () => {
  test('CI13 a clock that differs from the running server is wrong', async () => {
    expect(await checkClock(undefined)).toMatchObject({ state: 'good' });
    using same = healthy({ Date: new Date().toUTCString() });
    expect(await checkClock(same.url.origin)).toMatchObject({ state: 'good' });
    using off = healthy({ Date: new Date(Date.now() - 60_000).toUTCString() });
    expect(await checkClock(off.url.origin)).toMatchObject({
      state: 'wrong',
      mend: expect.stringContaining('clock'),
    });
  });

  test('CI13 the limit of open files is read', async () => {
    const finding = await checkLimits();
    expect(finding.subject).toBe('limits');
    expect(finding.fact).toMatch(/open files/);
  });

  test('CI13 an origin that does not answer is wrong once the server runs, and a note before', async () => {
    using server = healthy();
    const port = Number(server.url.port);
    const config = configAt(port);
    expect(await checkReachability(config, server.url.origin)).toMatchObject({ state: 'good' });
    const elsewhere = configAt(port, 'http://127.0.0.1:9');
    expect(await checkReachability(elsewhere, server.url.origin)).toMatchObject({ state: 'wrong' });
    expect(await checkReachability(config, undefined)).toMatchObject({ state: 'note' });
  });
});
