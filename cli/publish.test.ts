import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { helloPush } from '../dev-env/extension.ts';
import { Town } from '../dev-env/town.ts';
import { makeKeyPair } from '../server/webstore/app-key.ts';
import { openCrx } from '../server/webstore/crx.ts';
import { unpack } from '../server/webstore/zip.ts';

const program = new URL('../bin/reveille', import.meta.url).pathname;
let town: Town;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-publish-verb-'));
  town = await Town.start({ seeded: false });
});
afterAll(async () => {
  await town?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Told {
  readonly output: string;
  readonly errors: string;
  readonly code: number;
}

/** Runs the real program against the town, as a user who is `me` unless said. */
async function reveille(args: readonly string[], environment: Record<string, string> = {}): Promise<Told> {
  const child = Bun.spawn([program, ...args], {
    stdout: 'pipe',
    stderr: 'pipe',
    env: { PATH: process.env.PATH, HOME: join(folder, 'me'), REVEILLE_SERVER: town.origin, ...environment },
  });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output: output.trimEnd(), errors: errors.trimEnd(), code: await child.exited };
}

/** A folder with the smallest extension, other members of its manifest, and more files. */
async function extension(
  manifest: Record<string, unknown>,
  files: Record<string, string> = {},
): Promise<string> {
  const path = await mkdtemp(join(folder, 'extension-'));
  const whole = { manifest_version: 3, name: 'Small', version: '1.0', ...manifest };
  await writeFile(join(path, 'manifest.json'), JSON.stringify(whole));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

/** The files of what browsers get of an item. */
async function published(id: string) {
  const address = `${town.origin}/service/update2/crx?response=redirect&x=${encodeURIComponent(`id=${id}&uc`)}`;
  const files = await unpack(openCrx(await (await fetch(address)).bytes()).archive);
  return {
    names: [...files.keys()],
    manifest: JSON.parse(Buffer.from(files.get('manifest.json') ?? []).toString()),
  };
}

describe('publish', () => {
  let seed: { readonly app: { readonly id: string; readonly key: string } };

  test('PB11 before bootstrap it says what to do, and so it does of half a set of variables', async () => {
    const path = await extension({});
    const none = await reveille(['publish', path]);
    expect([none.code, none.output, none.errors]).toEqual([
      1,
      '',
      expect.stringContaining('say ./bin/reveille bootstrap'),
    ]);
    const half = await reveille(['publish', path], { REVEILLE_CLIENT_ID: 'x' });
    expect([half.code, half.errors]).toEqual([1, expect.stringContaining('Set all of REVEILLE_CLIENT_ID')]);
    seed = JSON.parse((await reveille(['bootstrap', '--json'])).output);
  });

  test('PB11 it packs, uploads and publishes the example as the app of bootstrap, led to the server', async () => {
    const told = await reveille(['publish', helloPush]);
    expect(told.errors).toBe('');
    expect(told.output.split('\n')).toEqual([
      expect.stringMatching(/^Packed \d+ files as version 1\.0, \d+ KiB\. Uploading to http:\S+ …$/),
      `Uploaded as a draft of the item ${seed.app.id}.`,
      expect.stringMatching(/^Published 1\.0: /),
      `Its page says how to install it: ${town.origin}/detail/${seed.app.id}`,
    ]);
    expect((await fetch(`${town.origin}/detail/${seed.app.id}`)).status).toBe(200);
    const { names, manifest } = await published(seed.app.id);
    expect(names).toContain('background.js');
    expect(manifest).toMatchObject({ name: 'Hello Push', push_messaging: { server: town.origin } });
    const again = await reveille(['publish', helloPush]);
    expect([again.code, again.errors]).toEqual([1, expect.stringContaining('must be higher than 1.0')]);
  });

  test('PB12 what begins with a dot, node_modules and key.pem stay out; a draft is not published', async () => {
    const path = await extension(
      { version: '1.1' },
      { '.git/config': 'x', 'node_modules/a/b.js': 'x', 'js/page.js': 'x' },
    );
    const draft = await reveille(['publish', path, '--draft']);
    expect([draft.code, draft.output]).toEqual([0, expect.stringContaining('Uploaded as a draft')]);
    expect((await published(seed.app.id)).manifest.version).toBe('1.0');
    expect((await reveille(['publish', path])).code).toBe(0);
    expect((await published(seed.app.id)).names).toEqual(['js/page.js', 'manifest.json']);
  });

  test('PB13 a folder with key.pem is the item of that key; the server gets the key once', async () => {
    const { appKey, privatePem } = await makeKeyPair();
    const first = await extension({ key: appKey.key }, { 'key.pem': privatePem });
    const told = await reveille(['publish', first]);
    expect([told.errors, told.code]).toEqual(['', 0]);
    const second = await extension({ version: '2' }, { 'key.pem': privatePem });
    expect((await reveille(['publish', second])).output).toContain(`Published 2`);
    expect(await published(appKey.id)).toMatchObject({
      names: ['manifest.json'],
      manifest: { version: '2' },
    });
  });

  test('PB13 with --create the server makes the key, and key tells it', async () => {
    const made = await reveille(['publish', await extension({ name: 'Made' }), '--create']);
    const id = /item ([a-p]{32})/.exec(made.output)?.[1] ?? '';
    expect((await published(id)).manifest.name).toBe('Made');
    const { key } = JSON.parse((await reveille(['key', await extension({}), '--item', id, '--json'])).output);
    const keyed = await reveille(['publish', await extension({ name: 'Made', version: '2', key })]);
    expect([keyed.errors, keyed.code]).toEqual(['', 0]);
    expect((await published(id)).manifest.version).toBe('2');
  });

  test('PB14 what is wrong is one sentence: no folder, no manifest, links, another key, an item of others', async () => {
    const refusal = async (...args: string[]) => {
      const { code, output, errors } = await reveille(['publish', ...args]);
      expect([code, errors.split('\n').length]).toEqual([1, 1]);
      return `${output}\n${errors}`;
    };
    expect(await refusal(join(folder, 'nowhere'))).toContain('is no folder');
    expect(await refusal(folder)).toContain('has no manifest.json');
    expect(await refusal(await extension({ version: '1.0-beta' }))).toContain(
      '"version": must be one to four numbers',
    );
    const linked = await extension({});
    await symlink('/etc/passwd', join(linked, 'passwd'));
    expect(await refusal(linked)).toContain('passwd is a link');
    const { appKey, privatePem } = await makeKeyPair();
    const { appKey: other } = await makeKeyPair();
    const keyed = await extension({ key: other.key }, { 'key.pem': privatePem });
    expect(await refusal(keyed)).toMatch(new RegExp(`${appKey.id}.*${other.id}`));
    expect(await refusal(await extension({ key: other.key }))).toContain(`There is no item ${other.id}`);
    expect(await refusal(await extension({}), '--item', '../x')).toContain('32 letters a-p');
    expect(await refusal(await extension({ key: other.key }), '--create')).toContain(other.id);
    expect(await refusal(await extension({ key: other.key }), '--item', seed.app.id)).toContain(
      'leave one out',
    );
  });

  test('PB15 a pipeline publishes by its own client and refresh token, and a token that sends does not do', async () => {
    const demo = JSON.parse((await reveille(['bootstrap', '--json'])).output);
    const variables = (token: string) => ({
      HOME: join(folder, 'pipeline'),
      REVEILLE_CLIENT_ID: demo.client.client_id,
      REVEILLE_CLIENT_SECRET: demo.client.client_secret,
      REVEILLE_REFRESH_TOKEN: token,
    });
    const path = await extension({ version: '3', key: seed.app.key });
    const sends = await reveille(['publish', path], variables(demo.refresh_token));
    expect([sends.code, sends.errors]).toEqual([1, expect.stringContaining('auth/chromewebstore')]);
    expect((await reveille(['publish', path], variables(demo.publish_refresh_token))).code).toBe(0);
    const revoked = await reveille(['publish', path], variables('1/none'));
    expect([revoked.code, revoked.errors]).toEqual([1, expect.stringContaining('refresh token')]);
  });
});

describe('key', () => {
  test('PB16 it prints id and key of key.pem or of the manifest without asking anyone', async () => {
    const { appKey, privatePem } = await makeKeyPair();
    const nobody = { REVEILLE_SERVER: 'http://127.0.0.1:1', HOME: join(folder, 'nobody') };
    for (const path of [
      await extension({}, { 'key.pem': privatePem }),
      await extension({ key: appKey.key }),
    ]) {
      const { output, code } = await reveille(['key', path, '--json'], nobody);
      expect([code, JSON.parse(output)]).toEqual([0, { id: appKey.id, key: appKey.key }]);
      expect((await reveille(['key', path], nobody)).output).toContain(`"key": "${appKey.key}",`);
    }
  });

  test('PB16 without either it asks the server for what bootstrap made, or for the item that is named', async () => {
    const demo = JSON.parse((await reveille(['bootstrap', '--json'])).output);
    const copy = join(folder, 'copy');
    await cp(helloPush, copy, { recursive: true });
    const { key: _, ...manifest } = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8'));
    await writeFile(join(copy, 'manifest.json'), JSON.stringify(manifest));
    expect(JSON.parse((await reveille(['key', copy, '--json'])).output)).toEqual(demo.app);
    const none = await reveille(['key', copy, '--item', 'a'.repeat(32)]);
    expect([none.code, none.errors]).toEqual([1, expect.stringContaining(`no item ${'a'.repeat(32)}`)]);
  });
});
