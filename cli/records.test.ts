import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Records } from './records.ts';

let folder: string;
const server = 'http://127.0.0.1:8030';
const records = (at = server) => new Records(at, { XDG_CONFIG_HOME: folder });
const home = () => join(folder, 'reveille', encodeURIComponent(server));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-records-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('CI2 a record is kept per server', async () => {
  await records().save({ email: 'a@example.org', cookie: 'x=1' });
  expect(await records().load()).toEqual({ email: 'a@example.org', cookie: 'x=1' });
  expect(await records('https://push.example').load()).toEqual({});
});

test('CI2 only the owner can read what is kept, and no draft stays', async () => {
  await mkdir(home(), { recursive: true, mode: 0o755 });
  await records().save({ cookie: 'x=1' });
  await records().device('laptop').set('k', 1);
  expect((await stat(home())).mode & 0o777).toBe(0o700);
  const files = (await readdir(home())).sort();
  expect(files).toEqual(['account.json', 'device-laptop.json']);
  for (const file of files) expect((await stat(join(home(), file))).mode & 0o777).toBe(0o600);
});

test('CI2 without XDG_CONFIG_HOME it is .config in the home folder', async () => {
  await new Records(server, { HOME: folder }).save({ cookie: 'y=2' });
  expect(await readdir(join(folder, '.config', 'reveille'))).toEqual([encodeURIComponent(server)]);
});

test('CI2 a file that is damaged or of another form counts as none', async () => {
  await mkdir(home(), { recursive: true });
  for (const text of ['{"cookie":', '{"cookie":5}', '[]', '']) {
    await writeFile(join(home(), 'account.json'), text);
    expect(await records().load()).toEqual({});
  }
});

test('CI10 the values of a device outlive the program, each name apart, whatever its letters', async () => {
  const name = '../../Büro 1';
  const device = records().device(name);
  expect(await device.get('marks')).toBeUndefined();
  await Promise.all([device.set('marks', { 0: 5 }), device.set('device', 'x'), device.set('gone', true)]);
  await device.remove('gone');
  const again = records().device(name);
  expect(await again.get('marks')).toEqual({ 0: 5 });
  expect(await again.get('device')).toBe('x');
  expect(await again.get('gone')).toBeUndefined();
  expect(await records().device('other').get('device')).toBeUndefined();
  expect(await readdir(home())).toHaveLength(1);
});
