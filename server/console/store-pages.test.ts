import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { packedExtension, type ZipEntry } from '../../dev-env/packages.ts';
import { PageVisitor, type SeenPage } from '../../dev-env/page-visitor.ts';
import { picture } from '../../dev-env/pictures.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import type { Account } from '../accounts/account.ts';
import { makeKeyPair } from '../webstore/app-key.ts';
import { openCrx } from '../webstore/crx.ts';
import { unpack } from '../webstore/zip.ts';

const PASSWORD = 'correct horse battery';
const STORE = '/console/store';
const hostile = '<img src=x onerror=alert(1)> & "quoted"';

let town: ConsoleTown;
let ann: PageVisitor;
let bob: PageVisitor;
let stranger: PageVisitor;
let annAccount: Account;

async function enter(name: string): Promise<{ account: Account; visitor: PageVisitor }> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, PASSWORD);
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeAll(async () => {
  town = await ConsoleTown.open();
  ({ visitor: ann, account: annAccount } = await enter('ann'));
  ({ visitor: bob } = await enter('bob'));
  stranger = new PageVisitor(town);
});
afterAll(() => town[Symbol.asyncDispose]());

const zip = async (manifest: Record<string, unknown> = {}, files: ZipEntry[] = []): Promise<Blob> =>
  new File([await packedExtension(manifest, files)], 'extension.zip');

const icons = async () => [{ name: '128.png', bytes: await picture(128, 128, 'png') }];
const itemOf = (seen: SeenPage): AppId => /\/console\/store\/([a-p]{32})/.exec(seen.path)?.[1] as AppId;

/** A new item of ann's, uploaded on the page, not published. */
async function uploaded(manifest: Record<string, unknown> = {}, files: ZipEntry[] = []): Promise<AppId> {
  return itemOf(await ann.send(STORE, STORE, { file: await zip(manifest, files), group: 'own' }));
}

const publish = (id: AppId, audience = 'everyone') =>
  ann.send(`${STORE}/${id}`, `${STORE}/${id}/publish`, { audience });

describe('the dashboard', () => {
  test('ES28 it asks to sign in, says what to do first, and then lists items with their versions', async () => {
    expect((await stranger.open(STORE)).path).toContain('/accounts/sign-in');
    expect((await bob.open('/webstore/devconsole')).path).toBe(STORE);
    expect((await bob.open(STORE)).text).toContain('Nothing here yet');
    const id = await uploaded({ name: 'Listed' });
    const seen = await ann.open(STORE);
    expect(seen.text).toContain(`Listed ${id} no 1.0 ann`);
    await publish(id);
    await ann.send(`${STORE}/${id}`, `${STORE}/${id}/packages`, {
      file: await zip({ name: 'Listed', version: '1.1' }),
    });
    expect((await ann.open(STORE)).text).toContain(`Listed ${id} 1.0 1.1 ann`);
  });

  test('ES29 a package is uploaded, replaced, published and unpublished with buttons', async () => {
    const id = await uploaded();
    const home = `${STORE}/${id}`;
    expect((await ann.open(home)).text).toContain('1.0 draft');
    const replaced = await ann.send(home, `${home}/packages`, { file: await zip({ version: '1.0.1' }) });
    expect(replaced.text).toContain('Uploaded and checked.');
    expect(replaced.text).toContain('1.0.1 draft');
    expect((await publish(id)).text).toContain('1.0.1 published');
    const unsure = await ann.send(home, `${home}/unpublish`);
    expect([unsure.status, (await town.webstore.items.offered(id))?.version]).toEqual([400, '1.0.1']);
    const gone = await ann.send(home, `${home}/unpublish`, { sure: 'yes' });
    expect(gone.text).toContain('Nobody can install it any more.');
    expect((await stranger.open(`/detail/${id}`)).status).toBe(404);
    expect((await publish(id)).text).toContain('1.0.1 published');
  });

  test('ES30 what is wrong with a package is said on the page: manifest, version, key with both ids', async () => {
    const id = await uploaded();
    const home = `${STORE}/${id}`;
    await publish(id);
    const other = await makeKeyPair();
    const faults: readonly (readonly [Blob, string])[] = [
      [new File(['no zip'], 'x.zip'), 'cannot be read as a zip archive'],
      [await zip({ name: '' }), '"name": must not be empty'],
      [await zip(), 'must be higher than 1.0'],
      [
        await zip({ version: '2', key: other.appKey.key }),
        `the key of ${other.appKey.id}, and this item is ${id}`,
      ],
    ];
    for (const [file, sentence] of faults) {
      const seen = await ann.send(home, `${home}/packages`, { file });
      expect([seen.status, seen.text]).toEqual([400, expect.stringContaining(sentence)]);
    }
    const none = await ann.send(home, `${home}/packages`, { file: new File([], '') });
    expect(none.text).toContain('Choose a file first.');
    const first = await ann.send(STORE, STORE, { file: new File(['no zip'], 'x.zip'), group: 'own' });
    expect([first.status, first.path]).toEqual([400, STORE]);
  });

  test('ES31 the key on the page of an item fits it, and uploaded with it the package leaves it out', async () => {
    const id = await uploaded();
    const home = `${STORE}/${id}`;
    const key = /"key": "([A-Za-z0-9+/=]+)",/.exec((await ann.open(home)).text)?.[1] ?? '';
    expect(key).toBe((await town.webstore.apps.open(annAccount.id, id)).key);
    await ann.send(home, `${home}/packages`, { file: await zip({ version: '3', key }) });
    await publish(id);
    expect((await stranger.open(`/detail/${id}`)).text).toContain(`"key": "${key}",`);
    const crx = await town.fetch(`/service/update2/crx/${id}/3.crx`);
    const manifest = (await unpack(openCrx(await crx.bytes()).archive)).get('manifest.json');
    expect(JSON.parse(Buffer.from(manifest ?? []).toString())).not.toHaveProperty('key');
  });

  test('ES32 others see nothing of an item and change nothing, with or without a token for the form', async () => {
    const id = await uploaded();
    const home = `${STORE}/${id}`;
    expect((await bob.open(home)).status).toBe(404);
    const account = await town.accounts.findByEmail('bob@example.com');
    for (const act of [
      'packages',
      'publish',
      'unpublish',
      'details',
      'screenshots',
      'testers',
      'testers/remove',
    ]) {
      const token = await town.formToken(account?.id ?? '', `${home}/${act}`);
      const fields = {
        form_token: token,
        audience: 'everyone',
        sure: 'yes',
        details: 'x',
        email: 'bob@example.com',
      };
      expect([act, (await bob.forge(`${home}/${act}`, fields)).status]).toEqual([act, 404]);
      expect((await ann.forge(`${home}/${act}`, { sure: 'yes' })).status).toBe(403);
    }
    expect(await town.webstore.items.offered(id)).toBe(undefined);
    expect((await town.webstore.listings.described(annAccount.id, id)).details).toBe('');
  });
});

describe('the page of an item', () => {
  test('ES33 it is at both addresses of the guide, for everybody, once the item is published', async () => {
    const id = await uploaded(
      { name: 'Public', description: 'Says hello.', icons: { '128': '128.png' } },
      await icons(),
    );
    for (const path of [`/detail/${id}`, `/extensions/detail/${id}?hl=en`])
      expect((await stranger.open(path)).status).toBe(404);
    await publish(id);
    for (const path of [`/detail/${id}`, `/extensions/detail/${id}?hl=en`]) {
      const { status, text, html } = await stranger.open(path);
      expect([status, text]).toEqual([200, expect.stringContaining('Says hello.')]);
      expect(text).toContain('Version 1.0');
      expect(html).toContain(`src="/detail/${id}/pictures/`);
    }
    for (const none of ['a'.repeat(32), 'nonsense'])
      expect((await stranger.open(`/detail/${none}`)).status).toBe(404);
  });

  test('ES38 one address gets so many pages and pictures, and is then told to wait', async () => {
    const look = async (address: string) => (await town.fetch('/detail/nonsense', {}, address)).status;
    const statuses = new Set<number>();
    // While they are asked the first ones come back: so a few more than there are.
    for (let i = 0; i < limits.listingsPerAddress * 1.1; i += 1) statuses.add(await look('192.0.2.7'));
    expect([[...statuses], await look('192.0.2.8')]).toEqual([[404, 429], 404]);
  });

  test('ES34 it says for each platform how to install, with this server as the place of updates', async () => {
    const id = await uploaded();
    await publish(id);
    const { text, html } = await stranger.open(`/detail/${id}`);
    const update = `${town.origin}/service/update2/crx`;
    expect(text).toContain(`/etc/chromium/policies/managed/${id}.json`);
    expect(text).toContain(`"update_url": "${update}"`);
    expect(text).toContain(`{ "external_update_url": "${update}" }`);
    expect(text).toContain(`ExtensionInstallForcelist" /v 1 /t REG_SZ /d "${id};${update}"`);
    expect(text).toContain(`ExtensionInstallForcelist -array-add "${id};${update}"`);
    expect(text).toContain(`"ExtensionInstallSources": [ "${town.origin}/*" ]`);
    const link = /href="(\/service\/update2\/crx\/[^"]+)"/.exec(html)?.[1] ?? '';
    expect((await town.fetch(link)).headers.get('content-type')).toBe('application/x-chrome-extension');
  });

  test('ES35 names and descriptions are text, also where they would be markup', async () => {
    const id = await uploaded({ name: hostile, description: hostile });
    const home = `${STORE}/${id}`;
    await ann.send(home, `${home}/details`, { details: `${hostile}\n\nSecond` });
    await publish(id);
    for (const path of [`/detail/${id}`, home, STORE]) {
      const { html, text } = await ann.open(path);
      expect(html).not.toContain('<img src=x');
      expect(text).toContain(hostile);
    }
  });

  test('ES36 pictures are served as what they are, as public as the page that shows them, and no other file', async () => {
    const svg = { name: 'a.svg', bytes: '<svg xmlns="http://www.w3.org/2000/svg"/>' };
    const id = await uploaded({ icons: { '128': '128.png', '512': 'a.svg' } }, [...(await icons()), svg]);
    const home = `${STORE}/${id}`;
    const added = await ann.send(home, `${home}/screenshots`, {
      file: new File([await picture(640, 400, 'jpeg')], 's.jpg'),
    });
    const pictures = [...new Set(added.html.match(/\/detail\/[a-p]+\/pictures\/[^"]+/g))];
    expect(pictures).toHaveLength(2);
    const refused = await ann.send(home, `${home}/screenshots`, { file: new File([svg.bytes], 's.png') });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('no PNG, JPEG or WebP')]);
    for (const address of pictures) {
      const cookie = { headers: { Cookie: ann.cookie ?? '' } };
      expect([(await town.fetch(address)).status, (await town.fetch(address, cookie)).status]).toEqual([
        404, 200,
      ]);
    }
    await publish(id);
    for (const address of pictures) {
      const shown = await town.fetch(address);
      expect(['image/png', 'image/webp']).toContain(shown.headers.get('content-type') ?? '');
      expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
      expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    for (const file of ['a.svg', 'manifest.json', '..%2F..%2Fcontrol.sqlite', `${'0'.repeat(40)}.png`])
      expect((await town.fetch(`/detail/${id}/pictures/${file}`)).status).toBe(404);
    const file =
      pictures
        .find((address) => address.endsWith('.webp'))
        ?.split('/')
        .at(-1) ?? '';
    expect((await ann.send(home, `${home}/screenshots/remove`, { file })).text).toContain(
      'The screenshot is gone.',
    );
    expect((await town.fetch(`/detail/${id}/pictures/${file}`)).status).toBe(404);
  });

  test('ES37 a tester sees the version that testers have, with addresses of their own; nobody else does', async () => {
    const id = await uploaded();
    const home = `${STORE}/${id}`;
    const unknown = await ann.send(home, `${home}/testers`, { email: 'nobody@example.com' });
    expect([unknown.status, unknown.text]).toEqual([
      400,
      expect.stringContaining('No account on this server'),
    ]);
    expect((await ann.send(home, `${home}/testers`, { email: 'bob@example.com' })).text).toContain(
      'bob@example.com',
    );
    expect((await publish(id, 'testers')).text).toContain('1.0 with testers');
    const { text } = await bob.open(`/detail/${id}`);
    expect(text).toContain('You are a tester of this item');
    const address = /"update_url": "([^"]+\?testers=[\w-]{43})"/.exec(text)?.[1] ?? '';
    const asked = await town.fetch(
      `${new URL(address).pathname}${new URL(address).search}&x=${encodeURIComponent(`id=${id}&uc`)}`,
    );
    expect(await asked.text()).toContain('version="1.0"');
    for (const visitor of [stranger, ann]) expect((await visitor.open(`/detail/${id}`)).status).toBe(404);
    const account = await town.accounts.findByEmail('bob@example.com');
    await ann.send(home, `${home}/testers/remove`, { account: account?.id ?? '' });
    expect((await bob.open(`/detail/${id}`)).status).toBe(404);
  });
});
