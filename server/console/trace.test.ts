import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ConsoleTown } from '../../dev-env/console-town.ts';
import { PageVisitor } from '../../dev-env/page-visitor.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { Account } from '../accounts/account.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { Recipient } from '../core/recipient.ts';
import type { Channel, Device, Kept } from '../core/store.ts';

const MINUTE_MS = 60_000;
const connection: Recipient = {
  offer: () => 'taken',
  caughtUp: () => {},
  end: () => {},
  describe: () => ({ gateway: 'websocket', silentMs: 0 }),
};

let clock: ManualClock;
let town: ConsoleTown;
let owner: Account;
let bob: PageVisitor;
let app: AppId;
let project: string;
let channel: Channel;
let device: Device;

async function enter(name: string): Promise<{ account: Account; visitor: PageVisitor }> {
  await town.accounts.create(`${name}@example.com`, 'correct horse battery', name);
  const { account, cookie } = await town.accounts.signIn(`${name}@example.com`, 'correct horse battery');
  return { account, visitor: new PageVisitor(town, cookie) };
}

beforeEach(async () => {
  clock = new ManualClock(Date.parse('2026-11-24T12:00:00Z'));
  town = await ConsoleTown.open({ clock });
  await enter('administrator');
  ({ account: owner, visitor: bob } = await enter('bob'));
  const group = await town.webstore.groups.create(owner.id, 'Bob');
  app = (await town.webstore.apps.register(owner.id, group, 'Reader', { kind: 'made' })).id;
  project = (await town.oauth.projects.create(owner, 'Paper')).id;
  channel = await town.receiving.open('a reader', app);
  ({ device } = await town.devices.register({ account: 'a reader', app, name: 'laptop' }));
  clock.advance(MINUTE_MS);
});

afterEach(() => town[Symbol.asyncDispose]());

const draft = (slot: string) => ({
  slot,
  payload: `to ${slot}`,
  expiresAt: clock.now() + 60 * MINUTE_MS,
  project,
  dailyQuota: 0,
  quotaDay: '2026-11-24',
});
const keep = (slot = '0', at = channel): Promise<Kept> =>
  town.store.keep({ ...draft(slot), channel: at.key });

async function keepTracked(refused: string[] = []): Promise<{ id: string; kept: Kept }> {
  const nobody = refused.map((channelId) => ({ channelId, channel: null, refusal: null }) as never);
  const { multicast, kept } = await town.store.keepMulticast({
    id: 'a-multicast_id',
    key: null,
    bodyHash: '',
    message: draft('1'),
    dailyTargets: 0,
    targets: [{ channelId: channel.id, channel: channel.key, refusal: null } as never, ...nobody],
  });
  return { id: multicast.id, kept: kept[0] as Kept };
}

const look = (of: string | number, who = bob) => who.open(`/console/trace?of=${encodeURIComponent(of)}`);
/** What the page says of the one device. */
const words = async (kept: Kept): Promise<string> => (await look(kept.version)).text;

describe('what is found', () => {
  test('TP1 a message by its version, and by its channel with the newest of each subchannel', async () => {
    const older = await keep('0');
    const newer = await keep('0');
    const other = await keep('2');
    const byVersion = await look(older.version);
    expect(byVersion.status).toBe(200);
    expect(byVersion.text).toContain(`Message ${older.version}, subchannel 0`);
    const { text, html } = await look(channel.id);
    expect(text).toContain('Devices 1');
    expect(text).toMatch(
      new RegExp(
        `Message ${newer.version}.*Message ${other.version}.*Before them ${older.version}|Message ${newer.version}.*Message ${other.version}.*Before them.*${older.version}`,
      ),
    );
    expect(html).toContain(`/console/trace?of=${older.version}`);
  });

  test('TP1 a request of many channels by its id, with what was refused', async () => {
    const { id, kept } = await keepTracked(['nobody']);
    const { text } = await look(` ${id} `);
    expect(text).toContain('1 accepted, 1 refused');
    expect(text).toContain(`Message ${kept.version}, subchannel 1`);
    expect(text).toContain('nobody');
  });

  test('TP1 a channel that nobody has, was removed or got nothing says so', async () => {
    expect((await look(channel.id)).text).toContain('No message of your projects is kept');
    await town.store.setChannelState(channel.key, 'removed');
    expect((await look(channel.id)).text).toContain('Removed by its user');
    expect((await look(`00000000000000000001/${app}`)).text).toContain('Nobody has this channel');
  });
});

describe('who may look', () => {
  test('TP2 nobody but members of the project and administrators sees a message', async () => {
    const kept = await keep();
    const { id } = await keepTracked();
    const { visitor: eve, account } = await enter('eve');
    const foreign = [kept.version, id, channel.id, 'no such thing', '../..', '9'.repeat(40)];
    for (const of of foreign) {
      const { status, text } = await look(of, eve);
      expect([of, status]).toEqual([of, 404]);
      expect(text).toContain('Nothing of yours by this name');
      expect(text).not.toContain('laptop');
    }
    await town.join(owner, project, account, 'viewer');
    expect((await look(kept.version, eve)).text).toContain('laptop');
    const ofChannel = await look(channel.id, eve);
    expect(ofChannel.text).toContain('laptop');
    expect(ofChannel.text).toContain('belongs to others');
    const stranger = await new PageVisitor(town).open(`/console/trace?of=${kept.version}`);
    expect(stranger.path).toContain('/accounts/sign-in');
  });

  test('TP2 who may send for an app sees its channel, and of its messages those of own projects', async () => {
    const kept = await keep();
    const { account, visitor } = await enter('dan');
    const [membership] = await town.webstore.groups.ofAccount(owner.id);
    await town.webstore.groups.invite(owner.id, membership?.group ?? '', account.email);
    await town.webstore.groups.answer(account.id, membership?.group ?? '', true);
    const { status, text } = await look(channel.id, visitor);
    expect([status, text.includes('Devices 1'), text.includes(String(kept.version))]).toEqual([
      200,
      true,
      false,
    ]);
  });
});

describe('why it is not further', () => {
  test('TP3 offline since when, and whether anything can wake the device', async () => {
    const kept = await keep();
    expect(await words(kept)).toContain(
      'Device offline since 24 Nov 2026, 12:00:00 UTC , and nothing can wake it',
    );
    await town.store.updateDevice(device.key, { transport: '{}' });
    expect(await words(kept)).toContain('it is woken by its browser');
    town.failedWake = { at: clock.now(), why: 'The push service answered 403.' };
    expect(await words(kept)).toMatch(/could not be woken .* 12:01:00 UTC : The push service answered 403/);
    town.resting = { host: 'push.example', until: clock.now() + MINUTE_MS };
    expect(await words(kept)).toContain('push.example rests until 24 Nov 2026, 12:02:00 UTC');
    const outbox = town.deliveries.connect(device, connection);
    clock.advance(MINUTE_MS);
    await town.deliveries.disconnect(outbox, '1001');
    expect(await words(kept)).toContain('Device offline since 24 Nov 2026, 12:02:00 UTC');
  });

  test('TP3 paused, offered, in a run, confirmed', async () => {
    const { kept } = await keepTracked();
    await town.receiving.pause('a reader', app);
    expect(await words(kept)).toContain('Paused by the user');
    await town.receiving.resume('a reader', app);
    const outbox = town.deliveries.connect(device, connection);
    while (outbox.standing(kept.version)?.state !== 'offered') await Promise.resolve();
    expect(await words(kept)).toMatch(/offered .*Offered once to the connected device, .* 12:01:30 UTC/);
    clock.advance(1_000);
    await outbox.taken(kept.version);
    expect(await words(kept)).toMatch(
      /received 24 Nov 2026, 12:01:01 UTC.*confirm: a run began 24 Nov 2026, 12:01:01/,
    );
    clock.advance(2_000);
    await outbox.confirm(kept.version);
    expect(await words(kept)).toMatch(
      /confirmed accepted .* confirmed 24 Nov 2026, 12:01:03 UTC The handler ended well/,
    );
  });

  test('TP3 superseded by which, expired, failed, withdrawn', async () => {
    const older = await keep();
    const newer = await keep();
    await town.store.missed(device.key, 1);
    expect(await words(older)).toContain(`Superseded by message ${newer.version}`);
    const failing = await keep('1');
    for (let run = 0; run < 7; run += 1) await town.store.runFailed(device.key, failing.version);
    expect(await words(failing)).toContain('has ended badly 7 of 8 times');
    await town.store.runFailed(device.key, failing.version);
    expect(await words(failing)).toContain('The handler ended badly 8 times');
    clock.advance(60 * MINUTE_MS);
    expect(await words(newer)).toContain('Its time was over');
    const left = await keep('2');
    await town.store.removeDevice(device.key);
    expect(await words(left)).toContain('Taken back');
    expect(await words(await keep('3'))).toContain('No device of this user was registered');
  });
});

describe('the page', () => {
  test('TP4 refreshes itself only while something may change, and has a button', async () => {
    const kept = await keep();
    const open = (await look(kept.version)).html;
    expect(open).toMatch(/<script type="module" src="\/console\/trace-live\.js\?/);
    expect(open).toMatch(/href="\/console\/trace\?of=\d+"[^>]*>\s*Reload/);
    await town.store.confirm(device.key, kept.version);
    expect((await look(kept.version)).html).not.toContain('<script');
    const script = await town.fetch('/console/trace-live.js');
    expect(script.headers.get('content-type')).toContain('text/javascript');
  });

  test('TP5 is led to from the messages of the project and from the app', async () => {
    const kept = await keep();
    const list = await bob.open(`/console/projects/${project}/messages`);
    expect(list.html).toContain(`href="/console/trace?of=${kept.version}"`);
    expect((await bob.open(`/console/apps/${app}`)).html).toContain('href="/console/trace"');
    expect((await bob.open('/console/trace')).text).toContain('A message does not arrive?');
  });

  test('TP3 a payload is text, whatever is in it', async () => {
    const { version } = await town.store.keep({
      ...draft('0'),
      channel: channel.key,
      payload: '<b>bold</b>',
    });
    expect((await look(version)).html).toContain('&lt;b&gt;bold&lt;/b&gt;');
    expect((await look('"><script>')).html).not.toContain('"><script>');
  });
});
