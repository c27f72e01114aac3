import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { packedExtension, type ZipEntry } from '../../dev-env/packages.ts';
import { picture } from '../../dev-env/pictures.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import { makeKeyPair } from './app-key.ts';
import { UPDATE_PATH } from './items.ts';

let town: ConsoleTown;
let group: string;

beforeAll(async () => {
  town = await ConsoleTown.open();
  for (const name of ['ann', 'bob', 'cleo'])
    town.control.sqlite.run(
      'INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt, role, disabled) VALUES (?, ?, ?, 0, 0, 0, ?, 0)',
      [name, name, `${name}@example.com`, 'user'],
    );
  group = await town.webstore.groups.create('ann', 'Ann');
});
afterAll(() => town[Symbol.asyncDispose]());

const items = () => town.webstore.items;
const listings = () => town.webstore.listings;

async function registered(): Promise<AppId> {
  return (await town.webstore.apps.register('ann', group, 'An item', { kind: 'made' })).id;
}

async function upload(
  id: AppId,
  version: string,
  icons: Record<string, string> = {},
  files: ZipEntry[] = [],
) {
  return await items().upload('ann', id, await packedExtension({ version, icons }, files));
}

/** A PNG with a text and bytes behind its end, as who hides something would make it. */
async function laden(secret: string): Promise<Buffer<ArrayBuffer>> {
  const png = await picture(64, 64, 'png');
  const text = Buffer.from(`tEXtComment\0${secret}`, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length - 4);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(text));
  const header = 33;
  return Buffer.concat([
    png.subarray(0, header),
    length,
    text,
    check,
    png.subarray(header),
    Buffer.from(secret),
  ]);
}

/** A PNG whose header says that it is enormous. */
async function bomb(): Promise<Buffer<ArrayBuffer>> {
  const png = await picture(8, 8, 'png');
  png.writeUInt32BE(20_000, 16);
  png.writeUInt32BE(20_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

describe('pictures', () => {
  test('ES23 PNG, JPEG and WebP are encoded anew within 1,280 pixels, and nothing else of the file is kept', async () => {
    const id = await registered();
    for (const format of ['png', 'jpeg', 'webp'] as const)
      await listings().addScreenshot('ann', id, await picture(1600, 900 + format.length, format));
    await listings().addScreenshot('ann', id, await laden('<script>hidden</script>'));
    const { screenshots } = await listings().described('ann', id);
    expect(screenshots.map(({ width }) => width)).toEqual([1280, 1280, 1280, 64]);
    for (const { file } of screenshots) {
      expect(file).toMatch(/^[0-9a-f]{40}\.webp$/);
      const bytes = Buffer.from(await listings().picture(id, file));
      expect([bytes.subarray(0, 4).toString(), bytes.subarray(8, 12).toString()]).toEqual(['RIFF', 'WEBP']);
      expect(bytes.includes('hidden')).toBe(false);
    }
    await listings().addScreenshot('ann', id, await picture(300, 200, 'png'));
    await expect(listings().addScreenshot('ann', id, await picture(300, 201, 'png'))).rejects.toThrow(
      /at most 5 screenshots/,
    );
    for (const { file } of (await listings().described('ann', id)).screenshots)
      await listings().removeScreenshot('ann', id, file);
    expect(await readdir(`${town.folder}/packages/${id}`)).toEqual([]);
  });

  test('ES23 what is no such picture, and what unfolds too far, is refused before it does', async () => {
    const id = await registered();
    const add = async (bytes: Uint8Array) => await listings().addScreenshot('ann', id, bytes);
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
    for (const none of [
      Buffer.from(svg),
      Buffer.from('<!doctype html>'),
      Buffer.alloc(0),
      await picture(9, 9, 'bmp'),
    ])
      await expect(add(none)).rejects.toThrow(/no PNG, JPEG or WebP/);
    await expect(add(await bomb())).rejects.toThrow(/more than 16 million pixels/);
    await expect(add((await picture(90, 90, 'png')).subarray(0, 90))).rejects.toThrow(/cannot be read/);
    await expect(add(Buffer.alloc(limits.pictureBytes + 1))).rejects.toThrow(/larger than 5 MiB/);
    await expect(listings().addScreenshot('bob', id, await picture(9, 9, 'png'))).rejects.toThrow(
      /no such app/,
    );
  });

  test('ES24 the icon is that of the manifest nearest to 128 pixels that can be read, as a PNG of ours; a package without one is taken', async () => {
    const id = await registered();
    const small = { name: 'i/16.png', bytes: await picture(16, 16, 'png') };
    const large = { name: 'i/512.webp', bytes: await picture(512, 256, 'webp') };
    const drawn = { name: 'i/128.svg', bytes: '<svg xmlns="http://www.w3.org/2000/svg"/>' };
    const files = [small, large, drawn];
    const icons = { '16': 'i/16.png', '128': '/i/128.svg', '512': 'i/512.webp', none: '../../etc/passwd' };
    const { icon } = await upload(id, '1', icons, files);
    const bytes = await listings().picture(id, icon ?? '');
    expect(await new Bun.Image(Uint8Array.from(bytes)).metadata()).toEqual({
      width: 128,
      height: 64,
      format: 'png',
    });
    expect((await upload(id, '2', { '128': 'i/128.svg' }, [drawn])).icon).toBe(null);
    expect((await upload(id, '3', { '128': 'gone.png' })).icon).toBe(null);
    await expect(listings().picture(id, icon ?? '')).rejects.toThrow('Not Found');
    const last = await upload(id, '4', { '16': 'i/16.png' }, files);
    expect((await readdir(`${town.folder}/packages/${id}`)).sort()).toEqual(
      [expect.stringMatching(/^4-.*crx$/), last.icon ?? ''].sort(),
    );
    await expect(listings().picture(id, '../../control.sqlite')).rejects.toThrow('Not Found');
  });
});

describe('testers', () => {
  const question = (id: string, key = '') =>
    `${UPDATE_PATH}?testers=${key}&x=${encodeURIComponent(`id=${id}&v=0&uc`)}`;
  const versionFor = async (id: string, key?: string) => {
    const xml = await (await town.fetch(question(id, key))).text();
    return / version="([\d.]+)" hash/.exec(xml)?.[1];
  };

  test('ES25 testers alone get what is published to them, by a key of their own, until everybody does', async () => {
    const id = await registered();
    await upload(id, '1.0');
    await items().publish('ann', id);
    await upload(id, '1.1');
    await listings().addTester('ann', id, 'Bob@Example.com');
    await items().publish('ann', id, 'testers');
    await expect(items().publish('ann', id, 'testers')).rejects.toThrow(/no draft/);
    const key = (await listings().find(id, 'bob'))?.testerKey;
    expect([await versionFor(id), await versionFor(id, key)]).toEqual(['1.0', '1.1']);
    expect((await listings().find(id, 'bob'))?.offer.version).toBe('1.1');
    for (const other of ['cleo', undefined])
      expect(await listings().find(id, other)).toMatchObject({
        offer: { version: '1.0' },
        testerKey: undefined,
      });
    const crx = `${UPDATE_PATH}/${id}/1.1.crx`;
    const redirect = await town.fetch(`${question(id, key)}&response=redirect`, { redirect: 'manual' });
    expect(redirect.headers.get('location')).toBe(`${town.origin}${crx}?testers=${key}`);
    expect([(await town.fetch(`${crx}?testers=${key}`)).status, (await town.fetch(crx)).status]).toEqual([
      200, 404,
    ]);
    await items().publish('ann', id);
    expect([await versionFor(id), await versionFor(id, key)]).toEqual(['1.1', '1.1']);
  });

  test('ES26 the key of a tester ends with the tester, and is nobody else’s', async () => {
    const [id, other] = [await registered(), await registered()];
    for (const one of [id, other]) {
      await upload(one, '1');
      await listings().addTester('ann', one, 'bob@example.com');
      await listings().addTester('ann', one, 'cleo@example.com');
      await items().publish('ann', one, 'testers');
    }
    const keyOf = async (account: string) => (await listings().find(id, account))?.testerKey ?? '';
    const [bob, cleo] = [await keyOf('bob'), await keyOf('cleo')];
    expect([await versionFor(id, bob), await versionFor(other, bob)]).toEqual(['1', undefined]);
    for (const forged of ['', 'x', `${bob}%22%3E`, bob.slice(1)])
      expect(await versionFor(id, forged)).toBe(undefined);
    await listings().removeTester('ann', id, 'bob');
    expect([await versionFor(id, bob), await versionFor(id, cleo)]).toEqual([undefined, '1']);
    expect(await listings().find(id, 'bob')).toBe(undefined);
    town.control.sqlite.run('UPDATE user SET disabled = 1 WHERE id = ?', ['cleo']);
    expect(await versionFor(id, cleo)).toBe(undefined);
    town.control.sqlite.run('UPDATE user SET disabled = 0 WHERE id = ?', ['cleo']);
    await expect(listings().addTester('ann', id, 'nobody@example.com')).rejects.toThrow(/No account/);
  });
});

describe('words', () => {
  test('ES27 only the group says something about an item, within the limit, and only of an app that is proven', async () => {
    const id = await registered();
    await listings().describe('ann', id, ' First line\r\nSecond line ');
    expect((await listings().described('ann', id)).details).toBe('First line\nSecond line');
    await expect(listings().describe('ann', id, 'x'.repeat(limits.detailsCharacters + 1))).rejects.toThrow(
      /at most 16000 characters/,
    );
    await expect(listings().describe('bob', id, 'mine')).rejects.toThrow(/no such app/);
    const { appKey } = await makeKeyPair();
    await town.webstore.apps.register('bob', await town.webstore.groups.create('bob', 'Bob'), 'Claimed', {
      kind: 'public-key',
      text: appKey.key,
    });
    const proof = /Prove that you own the app/;
    const png = await picture(9, 9, 'png');
    await expect(listings().describe('bob', appKey.id, 'mine')).rejects.toThrow(proof);
    await expect(listings().addScreenshot('bob', appKey.id, png)).rejects.toThrow(proof);
    await expect(listings().addTester('bob', appKey.id, 'ann@example.com')).rejects.toThrow(proof);
  });
});
