import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { packedExtension as extension, zipOf } from '../../dev-env/packages.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import { makeKeyPair } from './app-key.ts';
import { openCrx, sealCrx } from './crx.ts';
import { UPDATE_PATH } from './items.ts';
import { unpack } from './zip.ts';

let town: ConsoleTown;
let group: string;
let item: AppId;

beforeAll(async () => {
  town = await ConsoleTown.open();
  for (const name of ['ann', 'bob', 'cleo'])
    town.control.sqlite.run(
      'INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt, role, disabled) VALUES (?, ?, ?, 0, 0, 0, ?, 0)',
      [name, name, `${name}@example.com`, 'user'],
    );
  group = await town.webstore.groups.create('ann', 'Ann');
  await town.webstore.groups.invite('ann', group, 'cleo@example.com');
  await town.webstore.groups.answer('cleo', group, true);
  item = await registered();
});
afterAll(() => town[Symbol.asyncDispose]());

async function registered(): Promise<AppId> {
  return (await town.webstore.apps.register('ann', group, 'An item', { kind: 'made' })).id;
}

/** Renames a file inside a zip to a name of the same length, as no packer would. */
const renamed = (zip: Buffer, from: string, to: string): Buffer =>
  Buffer.from(zip.toString('latin1').replaceAll(from, to), 'latin1');

const upload = (file: Uint8Array, app = item, actor = 'ann') => town.webstore.items.upload(actor, app, file);

const ask = (query: string, init?: RequestInit): Promise<Response> =>
  town.fetch(`${UPDATE_PATH}?${query}`, init);

const question = (app: string, version: string): string =>
  `x=${encodeURIComponent(`id=${app}&v=${version}&uc`)}`;

describe('packages', () => {
  const bad = 'xx/bad.txt';
  const withBad = () => extension({}, [{ name: bad, bytes: 'bad' }]);

  test('ES1 names that leave the folder or stand twice, links and garbage are refused', async () => {
    expect(upload(renamed(await withBad(), bad, '../bad.txt'))).rejects.toThrow(/invalid relative path/);
    expect(upload(renamed(await withBad(), bad, '/x/bad.txt'))).rejects.toThrow(/absolute path/);
    expect(upload(renamed(await withBad(), bad, '..\\bad.txt'))).rejects.toThrow(/invalid characters/);
    const twice = await extension({}, [
      { name: 'A.js', bytes: '1' },
      { name: 'a.js', bytes: '2' },
    ]);
    expect(upload(twice)).rejects.toThrow(/"a.js" is in it twice/);
    const link = await extension({}, [{ name: 'link', bytes: '/etc/passwd', mode: 0o120777 }]);
    expect(upload(link)).rejects.toThrow(/is a link/);
    await expect(upload(Buffer.from('no zip'))).rejects.toThrow(/cannot be read as a zip archive/);
  });

  test('ES1 bombs are refused before they unfold, also those that lie about their size', async () => {
    const bomb = await extension({}, [{ name: 'bomb', bytes: Buffer.alloc(8 * 1024 * 1024) }]);
    expect(upload(bomb)).rejects.toThrow(/zip bomb/);
    const lying = Buffer.from(bomb);
    // The size in the central directory, which readers go by: a million bytes in place of eight.
    const size = Buffer.alloc(4);
    size.writeUInt32LE(8 * 1024 * 1024);
    lying.writeUInt32LE(1_000_000, lying.lastIndexOf(size));
    expect(upload(lying)).rejects.toThrow(/too many bytes/);
    const many = Array.from({ length: limits.packageFiles }, (_, i) => ({ name: `f${i}`, bytes: '' }));
    expect(upload(await extension({}, many))).rejects.toThrow(/more than 5000 files/);
    await expect(upload(Buffer.alloc(limits.packageBytes + 1))).rejects.toThrow(/larger than 16 MiB/);
  });

  test('ES2 what is wrong with a manifest is said', async () => {
    const faults: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ version: '1.0-beta' }, /"version": must be one to four numbers/],
      [{ version: '1.70000' }, /"version": has a number above 65535/],
      [{ version: '0.0' }, /"version": must not be zero/],
      [{ manifest_version: 1 }, /"manifest_version": must be 3/],
      [{ name: '' }, /"name": must not be empty/],
      [{ name: '__MSG_app__', default_locale: 'en' }, /_locales\/en\/messages.json/],
    ];
    for (const [manifest, sentence] of faults)
      await expect(upload(await extension(manifest))).rejects.toThrow(sentence);
    const inFolder = await zipOf([{ name: 'app/manifest.json', bytes: '{}' }]);
    await expect(upload(inFolder)).rejects.toThrow(/at app\/manifest.json: pack what is in the folder/);
    const broken = await zipOf([{ name: 'manifest.json', bytes: '{' }]);
    await expect(upload(broken)).rejects.toThrow(/manifest.json is not JSON/);
    const messages = JSON.stringify({ App: { message: 'Hallo' } });
    const draft = await upload(
      await extension({ name: '__MSG_app__', default_locale: 'de' }, [
        { name: '_locales/de/messages.json', bytes: messages },
      ]),
    );
    expect(draft.name).toBe('Hallo');
  });

  test('ES3 the key of the item is taken, another one refused with both ids', async () => {
    const { key } = await town.webstore.apps.open('ann', item);
    expect((await upload(await extension({ key }))).version).toBe('1.0');
    const other = await makeKeyPair();
    const both = new RegExp(`${other.appKey.id}.*${item}`);
    await expect(upload(await extension({ key: other.appKey.key }))).rejects.toThrow(both);
    await expect(upload(sealCrx(await extension(), other.privatePem))).rejects.toThrow(both);
  });

  test('ES4 key.pem is taken once, proves the app and is not in what is given out', async () => {
    const { appKey, privatePem } = await makeKeyPair();
    const source = { kind: 'public-key', text: appKey.key } as const;
    await town.webstore.apps.register('ann', group, 'Brought', source);
    await expect(upload(await extension(), appKey.id)).rejects.toThrow(
      /private key of this item is not held/,
    );
    const withKey = await extension({}, [{ name: 'key.pem', bytes: privatePem }]);
    await expect(upload(withKey)).rejects.toThrow(/key.pem belongs to the key of/);
    const draft = await upload(withKey, appKey.id);
    expect(await town.webstore.apps.open('ann', appKey.id)).toMatchObject({ proven: true, keyHeld: true });
    const files = await unpack(openCrx(await town.webstore.items.crx(draft)).archive);
    expect([...files.keys()]).toEqual(['manifest.json']);
    await expect(upload(withKey, appKey.id)).rejects.toThrow(/held already/);
    expect((await upload(await extension({ version: '2' }), appKey.id)).version).toBe('2');
  });

  test('ES5 what is given out is signed with the key of the item and updated from here', async () => {
    const { key } = await town.webstore.apps.open('ann', item);
    const draft = await upload(await extension({ key, update_url: 'https://elsewhere.example/' }));
    const bytes = await town.webstore.items.crx(draft);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(draft.sha256);
    const crx = openCrx(bytes);
    expect(crx.appKey.id).toBe(item);
    const manifest = (await unpack(crx.archive)).get('manifest.json');
    expect(JSON.parse(Buffer.from(manifest ?? []).toString())).toEqual({
      manifest_version: 3,
      name: 'Hello',
      version: '1.0',
      update_url: town.origin + UPDATE_PATH,
    });
  });

  test('ES6 a version is higher than what was published, a draft is replaced', async () => {
    const app = await registered();
    await upload(await extension({ version: '1.9' }), app);
    await upload(await extension({ version: '1.10' }), app);
    const list = () => town.webstore.items.list('ann', app);
    expect((await list()).map(({ version }) => version)).toEqual(['1.10']);
    await town.webstore.items.publish('ann', app);
    await town.webstore.items.unpublish('ann', app);
    for (const version of ['1.9', '1.10', '1.10.0'])
      await expect(upload(await extension({ version }), app)).rejects.toThrow(/must be higher than 1.10/);
    await upload(await extension({ version: '1.10.0.1' }), app);
    expect((await list()).map(({ version }) => version)).toEqual(['1.10.0.1', '1.10']);
  });

  test('ES7 to who is not in the group now the item does not exist', async () => {
    const { groups, items } = town.webstore;
    const none = /no such app among yours/;
    const mine = await extension();
    await expect(upload(mine, item, 'bob')).rejects.toThrow(none);
    await groups.invite('ann', group, 'bob@example.com');
    await expect(upload(mine, item, 'bob')).rejects.toThrow(none);
    await groups.answer('bob', group, true);
    expect((await upload(mine, item, 'bob')).version).toBe('1.0');
    await groups.remove('ann', group, 'bob');
    await expect(items.publish('bob', item)).rejects.toThrow(none);
    await expect(items.unpublish('bob', item)).rejects.toThrow(none);
    await expect(items.list('bob', item)).rejects.toThrow(none);
  });
});

describe('the update service', () => {
  let app: AppId;
  let sha256: string;
  let path: string;

  beforeAll(async () => {
    app = await registered();
    await upload(await extension({ version: '1.2' }), app);
    ({ sha256 } = await town.webstore.items.publish('ann', app));
    path = `${UPDATE_PATH}/${app}/1.2.crx`;
  });

  test('ES8 it answers what is published, and noupdate, in the order of the question', async () => {
    const strange = 'a'.repeat(32);
    const answer = await ask(
      [question(app, '0.0.0.0'), question(strange, '1'), question(app, '1.2'), 'x=id%3Dnonsense%26uc'].join(
        '&',
      ),
    );
    expect(answer.headers.get('content-type')).toBe('text/xml; charset=utf-8');
    const xml = await answer.text();
    const apps = [...xml.matchAll(/appid="(\w+)" status="ok"><updatecheck status="(\w+)"/g)];
    expect(apps.map(([, id, status]) => [id, status])).toEqual([
      [app, 'ok'],
      [strange, 'noupdate'],
      [app, 'noupdate'],
    ]);
    expect(xml).toContain(`codebase="${town.origin}${path}" version="1.2" hash_sha256="${sha256}" size="`);
    expect(await (await ask(question(app, '"><x'))).text()).not.toContain('<x');
  });

  test('ES9 the redirect form leads to the package', async () => {
    const found = await ask(`response=redirect&acceptformat=crx3&${question(app, '')}`, {
      redirect: 'manual',
    });
    expect([found.status, found.headers.get('location')]).toEqual([302, town.origin + path]);
    const none = await ask(`response=redirect&${question('b'.repeat(32), '')}`);
    expect(none.status).toBe(204);
  });

  test('ES10 HEAD and conditional requests', async () => {
    for (const address of [path, `${UPDATE_PATH}?${question(app, '1.0')}`]) {
      const whole = await town.fetch(address);
      const etag = whole.headers.get('etag') ?? '';
      const modified = whole.headers.get('last-modified') ?? '';
      const head = await town.fetch(address, { method: 'HEAD' });
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, '']);
      const asked = async (headers: Record<string, string>) =>
        (await town.fetch(address, { headers })).status;
      expect(await asked({ 'If-None-Match': `"other", W/${etag}` })).toBe(304);
      expect(await asked({ 'If-Modified-Since': modified })).toBe(304);
      expect(await asked({ 'If-Modified-Since': modified, 'If-None-Match': '"other"' })).toBe(200);
      expect(await asked({ 'If-Modified-Since': 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe(200);
    }
  });

  test('ES11 only the published package is served, as an attachment', async () => {
    const crx = await town.fetch(path);
    expect(crx.headers.get('content-type')).toBe('application/x-chrome-extension');
    expect(crx.headers.get('content-disposition')).toBe(`attachment; filename="${app}-1.2.crx"`);
    expect(crx.headers.get('x-content-type-options')).toBe('nosniff');
    expect(openCrx(await crx.bytes()).appKey.id).toBe(app);
    await upload(await extension({ version: '1.3' }), app);
    const statusOf = async (file: string) => (await town.fetch(`${UPDATE_PATH}/${app}/${file}`)).status;
    expect(await statusOf('1.3.crx')).toBe(404);
    expect(await statusOf('manifest.json')).toBe(404);
    await town.webstore.items.unpublish('ann', app);
    expect(await statusOf('1.2.crx')).toBe(404);
    expect(await (await ask(question(app, '0'))).text()).toContain('noupdate');
    await town.webstore.apps.remove('ann', app);
    expect(existsSync(`${town.folder}/packages/${app}`)).toBe(false);
  });
});

describe('keeping', () => {
  test('ES21 the newest twenty packages are kept, and their files', async () => {
    const app = await registered();
    for (let minor = 1; minor <= limits.packagesPerItem + 2; minor += 1) {
      await upload(await extension({ version: `1.${minor}` }), app, 'cleo');
      await town.webstore.items.publish('cleo', app);
    }
    const kept = await town.webstore.items.list('ann', app);
    expect(kept.map(({ version }) => version).slice(-1)).toEqual(['1.3']);
    expect(kept).toHaveLength(limits.packagesPerItem);
    expect(await readdir(`${town.folder}/packages/${app}`)).toHaveLength(limits.packagesPerItem);
    expect((await town.webstore.items.offered(app))?.version).toBe(`1.${limits.packagesPerItem + 2}`);
  });

  test('ES22 no private key of an item is in any file of the data folder', async () => {
    const { appKey, privatePem } = await makeKeyPair();
    await town.webstore.items.insert(
      'ann',
      group,
      await extension({}, [{ name: 'key.pem', bytes: privatePem }]),
    );
    const made = await registered();
    await upload(await extension(), made);
    const { key } = await town.webstore.apps.open('ann', made);
    const files = await Promise.all(
      (await readdir(town.folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(`${entry.parentPath}/${entry.name}`)),
    );
    const everything = Buffer.concat(files);
    // The public halves are there, so the search would find the private ones.
    for (const one of [key, appKey.key]) expect(everything.includes(one)).toBe(true);
    const secret = [await town.webstore.apps.privateKey('ann', made), privatePem];
    for (const pem of secret) {
      // Its beginning is the public half; at its end are the primes and what was made of them.
      const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
      expect(everything.includes(der.subarray(-100))).toBe(false);
      expect(everything.includes(pem.trim().split('\n').at(-3) ?? '')).toBe(false);
    }
    expect(everything.includes('PRIVATE KEY')).toBe(false);
    const rows = town.control.sqlite.query('SELECT private_key_sealed AS sealed FROM apps').all() as {
      sealed: string | null;
    }[];
    expect(
      rows.filter(({ sealed }) => sealed !== null && !sealed.includes('PRIVATE KEY')).length,
    ).toBeGreaterThan(1);
  });
});
