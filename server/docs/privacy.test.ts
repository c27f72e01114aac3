import { afterAll, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town } from '../../dev-env/town.ts';
import { townDevice } from '../../dev-env/town-device.ts';
import { backUp } from '../backup.ts';

const folder = await mkdtemp(join(tmpdir(), 'reveille-privacy-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the databases hold now, without what SQLite has not yet written over. */
async function kept(town: Town, name: string): Promise<string> {
  const copy = join(folder, name);
  backUp(town.dataFolder, copy);
  const files = await Promise.all(['control.db', 'messages.db'].map((file) => readFile(join(copy, file))));
  return Buffer.concat(files).toString('latin1');
}

test('RD9 nothing in the databases tells of who has deleted the account', async () => {
  await using town = await Town.start();
  const { account, cookie } = town.seed;
  const device = townDevice(town, { name: 'the laptop of the attic', onMessage: () => {} });
  await device.connect();
  const ofPerson = [account.email, 'the laptop of the attic'];
  const before = await kept(town, 'before');
  for (const words of ofPerson) expect(before).toContain(words);

  const headers = { Cookie: cookie, Origin: town.origin };
  const page = await (await town.fetch('/accounts/delete', { headers })).text();
  const token =
    /action="\/accounts\/delete"[^>]*>\s*<input type="hidden" name="form_token" value="([^"]*)"/.exec(page);
  const gone = await town.fetch('/accounts/delete', {
    method: 'POST',
    headers,
    body: new URLSearchParams({ form_token: token?.[1] ?? '', password: account.password }),
  });
  expect(gone.headers.get('location')).toBe('/accounts/sign-in?bye=deleted');
  device.close();
  const after = await kept(town, 'after');
  for (const words of ofPerson) expect(after).not.toContain(words);
}, 60_000);
