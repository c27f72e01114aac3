import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeExtension } from '../../dev-env/extension.ts';
import { Town } from '../../dev-env/town.ts';

let town: Town;
let folder: string;
beforeAll(async () => {
  town = await Town.start();
  folder = await mkdtemp(join(tmpdir(), 'reveille-publish-'));
});
afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/**
 * Runs a script of a publisher on Node, with the package as npm gives it. The package knows no other hosts than Google's,
 * so the script's own `fetch` leads these two to the town; any other host is refused.
 */
async function publisher(name: string, extension: string): Promise<Record<string, unknown>> {
  const { client, publish_refresh_token, publisher, app } = town.seed;
  const options = {
    extensionId: app.id,
    publisherId: publisher.id,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    refreshToken: publish_refresh_token,
  };
  const script = `
    const real = globalThis.fetch;
    globalThis.fetch = (address, init) => {
      const { protocol, hostname, pathname, search } = new URL(address);
      if (protocol !== 'https:' || !['www.googleapis.com', 'chromewebstore.googleapis.com'].includes(hostname))
        throw new Error('led nowhere: ' + address);
      return real(${JSON.stringify(town.origin)} + pathname + search, init);
    };
    const { default: chromeWebstoreUpload } = await import(${JSON.stringify(name)});
    const store = chromeWebstoreUpload(${JSON.stringify(options)});
    const token = await store.fetchToken();
    const look = () => (store.publisherId === undefined ? store.get('DRAFT', token) : store.get(token));
    const uploaded = await store.uploadExisting(${JSON.stringify(extension)}, token);
    const seen = await look();
    const published = await store.publish(undefined, token);
    const refused = await store.uploadExisting(${JSON.stringify(extension)}, token).catch((error) => error.message);
    console.log(JSON.stringify({ uploaded, seen, published, refused }));`;
  const child = Bun.spawn(['node', '--input-type=module', '--eval', script], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [output, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect([await child.exited, complaint]).toEqual([0, '']);
  return JSON.parse(output) as Record<string, unknown>;
}

/** A folder with the example as this version. */
const versionOf = (version: string) =>
  makeExtension({ server: town.origin, key: town.seed.app.key, version });

/** What browsers that ask for updates are told. */
async function offered(): Promise<string | undefined> {
  const check = encodeURIComponent(`id=${town.seed.app.id}&v=0&uc`);
  const xml = await (await fetch(`${town.origin}/service/update2/crx?x=${check}`)).text();
  return / version="([\d.]+)" hash/.exec(xml)?.[1];
}

test('PB10 chrome-webstore-upload 4.0.4, of version 1.1 of the API, uploads a folder and publishes it', async () => {
  const { id, key } = town.seed.app;
  const told = await publisher('chrome-webstore-upload-4', await versionOf('4.0.4'));
  const item = { kind: 'chromewebstore#item', id, publicKey: key, uploadState: 'SUCCESS' };
  expect(told).toEqual({
    uploaded: item,
    seen: { ...item, crxVersion: '4.0.4' },
    published: { kind: 'chromewebstore#item', item_id: id, status: ['OK'], statusDetail: ['OK.'] },
    refused: expect.stringContaining('must be higher than 4.0.4'),
  });
  expect(await offered()).toBe('4.0.4');
});

test('PB10 chrome-webstore-upload 6.0.1, of version 2 of the API, uploads a folder and publishes it', async () => {
  const { app, publisher: of } = town.seed;
  const told = await publisher('chrome-webstore-upload', await versionOf('6.0.1'));
  const name = { name: `publishers/${of.id}/items/${app.id}`, itemId: app.id };
  expect(told).toMatchObject({
    uploaded: { ...name, crxVersion: '6.0.1', uploadState: 'SUCCEEDED' },
    seen: { ...name, publicKey: app.key, lastAsyncUploadState: 'SUCCEEDED' },
    published: { ...name, state: 'PUBLISHED' },
    refused: expect.stringContaining('must be higher than 6.0.1'),
  });
  expect(await offered()).toBe('6.0.1');
});

test('PB7 a token for the store sends no message', async () => {
  const { seed } = town;
  const message = { channelId: seed.channel_id, subchannelId: 0, payload: 'hello' };
  expect((await town.send(await town.accessToken(), message)).status).toBe(204);
  const token = await town.accessToken({ ...seed, refresh_token: seed.publish_refresh_token });
  const refused = await town.send(token, message);
  expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('It needs')]);
});
