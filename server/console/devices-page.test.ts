import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { Device } from '../core/store.ts';

const PASSWORD = 'correct horse battery';
const MINUTE_MS = 60_000;
const LIST = '/console/receiving/devices';
const reader = 'a'.repeat(32) as AppId;
const radio = 'b'.repeat(32) as AppId;

let clock: ManualClock;
let town: ConsoleTown;
let bob: PageVisitor;
let bobAccount: Account;

async function enter(name: string): Promise<{ account: Account; visitor: PageVisitor }> {
  await town.accounts.create(`${name}@example.com`, PASSWORD, name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, PASSWORD);
  return { account, visitor: new PageVisitor(town, cookie) };
}

/** Registers a device of bob's, a minute after the one before. */
async function register(app: AppId, name: string, account = bobAccount.id): Promise<Device> {
  clock.advance(MINUTE_MS);
  return (await town.devices.register({ account, app, name })).device;
}

/** Where each of the texts stands in the page, in their order. */
const placesOf = (html: string, texts: readonly string[]): readonly number[] =>
  texts.map((text) => html.indexOf(text));

beforeEach(async () => {
  clock = new ManualClock(Date.UTC(2026, 10, 24, 12));
  town = await ConsoleTown.open({ clock });
  ({ visitor: bob, account: bobAccount } = await enter('bob'));
});
afterEach(() => town[Symbol.asyncDispose]());

describe('my devices', () => {
  test('DP1 lists the devices of all apps, the last seen first, and nobody else’s', async () => {
    const group = await town.webstore.groups.create(bobAccount.id, 'Bob');
    const { id: mail } = await town.webstore.apps.register(bobAccount.id, group, 'Mail', { kind: 'made' });
    await register(reader, 'old laptop');
    const phone = await register(mail, 'phone');
    const connected = await register(radio, 'kitchen <radio>');
    const ann = await enter('ann');
    await register(reader, 'tablet of ann', ann.account.id);
    await town.devices.setTransport(
      phone,
      JSON.stringify({ kind: 'push', endpoint: 'https://push.example' }),
    );
    town.deliveries.connect(connected, {
      offer: () => 'taken',
      caughtUp: () => {},
      end: () => {},
      describe: () => ({ gateway: 'websocket', silentMs: 0 }),
    });

    const { html, text } = await bob.open(LIST);
    const places = placesOf(html, ['kitchen &lt;radio&gt;', 'phone', 'old laptop']);
    expect(places).not.toContain(-1);
    expect([...places].sort((left, right) => left - right)).toEqual([...places]);
    expect(text).not.toContain('tablet of ann');
    expect(text).toContain('kitchen <radio> bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb Reached while it is connected');
    expect(text).toMatch(/phone Mail A browser, woken by a push 24 Nov 2026, 12:02 UTC/);
    expect(text).toContain('connected Sign out');
    expect(html).toContain(`href="${LIST}/${phone.id}"`);
    expect(html).not.toContain('push.example');
  });

  test('DP1 CO14 signs one out and shows the list again', async () => {
    const laptop = await register(reader, 'laptop');
    await register(radio, 'phone');
    const after = await bob.send(LIST, `${LIST}/${laptop.id}`);
    expect(after.path).toBe(`${LIST}?done=device-ended`);
    expect(after.text).toContain('The device is signed out.');
    expect(after.text).toContain('phone');
    expect(after.text).not.toContain('laptop');
  });

  test('DP2 shows 50 a page, and the nearest one for a number that is none', async () => {
    const perChannel = limits.devicesPerChannel;
    const apps = ['c', 'd', 'e'].map((letter) => letter.repeat(32) as AppId);
    const count = limits.devicesShown + 2;
    for (let made = 0; made < count; made += 1) {
      const app = apps[Math.floor(made / perChannel)] ?? reader;
      await register(app, `device-${String(made).padStart(3, '0')}`);
    }
    const shown = (html: string) => html.match(/>device-\d{3}</g)?.map((name) => name.slice(1, -1)) ?? [];
    const first = await bob.open(LIST);
    expect(shown(first.html)).toHaveLength(limits.devicesShown);
    expect(shown(first.html)[0]).toBe('device-051');
    expect(first.text).toContain('Page 1 of 2, 52 devices');
    expect(first.html).toContain(`href="${LIST}?page=2"`);
    const second = await bob.open(`${LIST}?page=2`);
    expect(shown(second.html)).toEqual(['device-001', 'device-000']);
    for (const [number, page] of [
      ['3', 2],
      ['1e9', 2],
      ['0', 1],
      ['-1', 1],
      ['1.9', 1],
      ['x', 1],
      ['', 1],
      ['Infinity', 2],
    ] as const) {
      const { status, text } = await bob.open(`${LIST}?page=${number}`);
      expect([number, status]).toEqual([number, 200]);
      expect(text).toContain(`Page ${page} of 2`);
    }
  });

  test('DP3 signs all out after the box is ticked; the apps may still send', async () => {
    const devices = [await register(reader, 'laptop'), await register(radio, 'phone')];
    const ann = await enter('ann');
    const hers = await register(reader, 'tablet', ann.account.id);
    const unsure = await bob.send(LIST, LIST);
    expect(unsure.text).toContain('Tick the box');
    expect(unsure.text).toContain('Sign out all 2 devices');
    const after = await bob.send(LIST, LIST, { sure: 'yes' });
    expect(after.path).toBe(`${LIST}?done=devices-ended`);
    expect(after.text).toContain('No device yet');
    for (const device of devices) expect(await town.store.findDevice(device.id)).toBeUndefined();
    expect(await town.store.findDevice(hers.id)).toBeDefined();
    expect((await bob.open('/console/receiving')).text).toContain(radio);
    const forged = await bob.forge(LIST, { sure: 'yes' });
    expect(forged.status).not.toBe(303);
  });

  test('DP4 says how to get one while there is none, and three places lead to it', async () => {
    const empty = await bob.open(LIST);
    expect(empty.status).toBe(200);
    expect(empty.text).toContain('./bin/reveille listen');
    expect(empty.html).not.toContain(`action="${LIST}"`);
    const receiving = await bob.open('/console/receiving');
    expect(receiving.html.split(`href="${LIST}"`)).toHaveLength(3);
    const account = await bob.open('/accounts');
    expect(account.html.split(`href="${LIST}"`)).toHaveLength(3);
    expect(account.text).toContain('Each can be signed out by itself.');
  });

  test('DP1 strangers are asked to sign in first', async () => {
    const answer = await town.fetch(LIST, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('Location')).toContain('sign-in');
  });
});
