import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { Recipient } from '../core/recipient.ts';
import type { Device } from '../core/store.ts';

const PASSWORD = 'correct horse battery';
const START = Date.UTC(2026, 10, 24, 12);
const MINUTE_MS = 60_000;

let clock: ManualClock;
let town: ConsoleTown;
let bob: PageVisitor;
let bobAccount: Account;
let app: AppId;
let device: Device;

beforeEach(async () => {
  clock = new ManualClock(START);
  town = await ConsoleTown.open({ clock });
  await town.accounts.create('bob@example.com', PASSWORD, 'bob');
  const { account, cookie } = await town.accounts.signIn('bob@example.com', PASSWORD);
  bobAccount = account;
  bob = new PageVisitor(town, cookie);
  const group = await town.webstore.groups.create(account.id, 'Bob');
  ({ id: app } = await town.webstore.apps.register(account.id, group, 'Reader', { kind: 'made' }));
  ({ device } = await town.devices.register({ account: account.id, app, name: 'laptop' }));
});
afterEach(() => town[Symbol.asyncDispose]());

const home = () => `/console/receiving/devices/${device.id}`;

/** A connection that takes every offer, silent for two minutes when asked. */
const connection: Recipient = {
  offer: () => 'taken',
  caughtUp: () => {},
  end: () => {},
  describe: () => ({ gateway: 'websocket', silentMs: 2 * MINUTE_MS }),
};

async function sendToBob(payload: string, slot: string): Promise<void> {
  await town.store.keep({
    channel: device.channel.key,
    slot,
    payload,
    project: 'paper',
    quotaDay: '2026-11-24',
    dailyQuota: 0,
    expiresAt: clock.now() + 60 * MINUTE_MS,
  });
}

describe('the page of a device', () => {
  test('CO19 says that it is not connected, and that nothing waits', async () => {
    const seen = await bob.open(home());
    for (const text of [
      'laptop',
      'Reader',
      'not connected',
      'None has ended since',
      'Nothing waits',
      'Nothing: it gets',
    ])
      expect(seen.text).toContain(text);
  });

  test('CO19 says since when it is connected, by what, and when it was last heard', async () => {
    town.deliveries.connect(device, connection);
    clock.advance(10 * MINUTE_MS);
    const { text } = await bob.open(home());
    expect(text).toContain('connected');
    expect(text).toContain('a WebSocket');
    expect(text).toContain('24 Nov 2026, 12:00 UTC');
    expect(text).toContain('24 Nov 2026, 12:08 UTC');
  });

  test('CO19 says how the last connection ended, in words', async () => {
    for (const [reason, words] of [
      ['1001', 'the extension went to sleep, or the browser quit'],
      ['silent', 'nothing was heard of it for too long'],
      ['4999', 'code 4999'],
    ] as const) {
      await town.deliveries.disconnect(town.deliveries.connect(device, connection), reason);
      const { text } = await bob.open(home());
      expect(text).toContain(words);
      expect(text).toContain('not connected');
    }
  });

  test('CO19 shows what waits, of a device that is away and of one that is connected', async () => {
    await sendToBob('older', '0');
    await sendToBob('newest', '0');
    await sendToBob('<b>other</b>', '1');
    const away = (await bob.open(home())).text;
    expect(away).toContain('newest');
    expect(away).not.toContain('older');
    expect((await bob.open(home())).html).toContain('&lt;b&gt;other&lt;/b&gt;');
    const outbox = town.deliveries.connect(device, connection);
    await Promise.resolve();
    expect((await bob.open(home())).text).toContain('newest');
    for (const { version } of outbox.waiting()) await outbox.confirm(version);
    expect((await bob.open(home())).text).toContain('Nothing waits');
    await town.receiving.pause(bobAccount.id, app);
    expect((await bob.open(home())).text).toContain('The app is paused');
  });

  test('CO19 names what wakes the device, and nothing of its secrets', async () => {
    const transport = JSON.stringify({
      kind: 'push',
      endpoint: 'https://push.example/secret',
      auth: 'hidden',
    });
    await town.devices.setTransport(device, transport);
    const { text } = await bob.open(home());
    expect(text).toContain('A push of its browser: 7 of 60 wake-ups of this hour are spent.');
    expect(text).not.toContain('hidden');
    expect(text).toContain('Everything.');
    expect(text).not.toContain('push.example');
  });

  test('WK22 tells when and why it could last not be woken', async () => {
    expect((await bob.open(home())).text).not.toContain('Could not be woken');
    town.failedWake = { at: START - MINUTE_MS, why: 'push.example answered <503>.' };
    const { text } = await bob.open(home());
    expect(text).toContain('Could not be woken');
    expect(text).toContain('24 Nov 2026, 11:59 UTC');
    expect(text).toContain('push.example answered <503>.');
  });

  test('CO19 DV11 tells which urgency it wants', async () => {
    await town.devices.setTransport(device, null, 'normal');
    expect((await bob.open(home())).text).toContain('Urgency normal and above: what is less urgent waits');
  });

  test('CO19 is there for its account alone, and leads from the list of devices', async () => {
    await town.accounts.create('ann@example.com', PASSWORD, 'ann');
    const { cookie } = await town.accounts.signIn('ann@example.com', PASSWORD);
    const ann = new PageVisitor(town, cookie);
    expect((await ann.open(home())).status).toBe(404);
    expect((await bob.open('/console/receiving/devices/unknown')).status).toBe(404);
    expect((await bob.open('/console/receiving')).html).toContain(`href="${home()}"`);
  });

  test('CO14 CO19 signs the device out', async () => {
    const seen = await bob.send(home(), home(), {});
    expect(seen.text).toContain('signed out');
    expect((await bob.open(home())).status).toBe(404);
  });
});
