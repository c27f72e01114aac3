import { afterEach, expect, test } from 'bun:test';
import { SmallTown } from '../../dev-env/small-town.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { uninstallRoutes } from './routes.tsx';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;
let small: SmallTown | undefined;
afterEach(() => small?.[Symbol.asyncDispose]());

async function town() {
  small = new SmallTown();
  const { store, devices, uninstallLinks: links } = small;
  const routes = uninstallRoutes({ store, devices, links, nameOf: async () => 'Hello' });
  const { device } = await devices.register({ account: 'bob', app, name: 'Chromium' });
  const { pathname } = new URL(links.of(device.id));
  const ask = (method: string, path = pathname) => routes.request(`https://push.example${path}`, { method });
  return { store, device, pathname, ask };
}

test('UN2 opening the address asks, and changes nothing; the form of the page ends this one device', async () => {
  const { store, device, pathname, ask } = await town();
  const page = await ask('GET');
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<h1>Hello was removed</h1>');
  expect(await store.findDevice(device.id)).toBeDefined();
  const ended = await ask('POST');
  expect([ended.status, ended.headers.get('location')]).toEqual([303, pathname]);
  expect(await store.findDevice(device.id)).toBeUndefined();
  expect(await (await ask('GET')).text()).toContain('no longer come');
  expect((await ask('POST')).status).toBe(303);
});

test('UN1 an address that was not made for the device ends nothing', async () => {
  const { store, device, pathname, ask } = await town();
  const token = pathname.split('/').at(-1) ?? '';
  const changed = (token.startsWith('A') ? 'B' : 'A') + token.slice(1);
  for (const path of [
    `/uninstalled/${device.id}/${changed}`,
    `/uninstalled/${device.id}x/${token}`,
    `/uninstalled/${device.id}/`,
    `/uninstalled/${device.id}/${token}x`,
  ])
    for (const method of ['GET', 'POST']) expect((await ask(method, path)).status).toBe(404);
  expect(await store.findDevice(device.id)).toBeDefined();
});
