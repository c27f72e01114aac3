import { beforeEach, describe, expect, test } from 'bun:test';
import { RightsTable } from '../../dev-env/small-town.ts';
import type { AppId } from '../../protocol/app-id.ts';
import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Message } from '../../protocol/message.ts';
import type { Subchannel } from '../../protocol/subchannel.ts';
import { MemoryBus } from '../buses/memory.ts';
import { MemoryPresence } from '../buses/presence-memory.ts';
import { silentEvents } from '../observe/events.ts';
import { MemoryStore } from '../stores/memory.ts';
import { Acceptance } from './accept.ts';
import { Announcer } from './announcer.ts';
import { ManualClock, seededRandom } from './manual-clock.ts';
import { utcDays } from './quota-day.ts';
import { CHANNEL_SCOPE } from './sender.ts';
import type { Channel, Kept, Store } from './store.ts';

const app = 'a'.repeat(32) as AppId;
const unknown = `${'0'.repeat(20)}/${app}` as ChannelId;

let clock: ManualClock;
let rights: RightsTable;
let store: Store;
let presence: MemoryPresence;
let acceptance: Acceptance;
let channel: Channel;

/** What was announced, in order. */
let announced: Kept[];
/** What devices without a connection are woken for. */
let woken: Kept[];

beforeEach(async () => {
  clock = new ManualClock();
  rights = new RightsTable();
  rights.app(app, 'ann and co');
  rights.groups.set('ann and co', new Set(['ann']));
  store = new MemoryStore({ clock, random: seededRandom(3) });
  presence = new MemoryPresence();
  const bus = new MemoryBus();
  announced = [];
  bus.onAnnounce('here', (announcement) => {
    if (announcement.kind === 'kept') announced.push(...announcement.kept);
  });
  const announcer = new Announcer({ presence, bus, events: silentEvents });
  const calendar = utcDays;
  woken = [];
  const wakes = { kept: async (kept: Kept) => void woken.push(kept) };
  const shared = { store, announcer, wakes, clock, calendar, events: silentEvents };
  acceptance = new Acceptance({ senders: rights, ...shared });
  channel = await store.openChannel('carl', app);
  const draft = { id: 'd', channel: channel.key, tokenHash: '', name: '', signIn: null };
  const { device } = await store.register(draft);
  await presence.register({ channel: channel.key, device: device.key, node: 'here' });
});

const message = (to: ChannelId = channel.id): Message => ({
  channel: to,
  subchannel: 1 as Subchannel,
  payload: 'hi',
});

describe('accepting a message', () => {
  test('AC1 it is announced after it is kept, and not at all when keeping it fails', async () => {
    const sender = await acceptance.admit(rights.token('t'));
    const keep = store.keep.bind(store);
    let keptBefore = false;
    store.keep = async (draft) => {
      expect(announced).toEqual([]);
      keptBefore = true;
      return keep(draft);
    };
    const kept = await acceptance.accept(sender, message());
    await Bun.sleep(0);
    expect([keptBefore, announced]).toEqual([true, [kept]]);
    store.keep = () => Promise.reject(new Error('disk'));
    await expect(acceptance.accept(sender, message())).rejects.toThrow('disk');
    expect(announced).toHaveLength(1);
  });

  test('WK1 once it is kept, and not before, devices are woken for it', async () => {
    const sender = await acceptance.admit(rights.token('t'));
    const { keep } = store;
    store.keep = async (draft) => {
      const kept = await keep.call(store, draft);
      expect(woken).toEqual([]);
      return kept;
    };
    const kept = await acceptance.accept(sender, message());
    expect(woken).toEqual([kept]);
  });

  test('AC2 who does not own the app hears the same of a channel that exists and of one that does not', async () => {
    const stranger = await acceptance.admit(rights.token('s', { account: 'mallory', dailyQuota: 1 }));
    const told = [message(), message(unknown)].map((one) => acceptance.accept(stranger, one).catch(String));
    const [real, invented] = await Promise.all(told);
    expect(String(real)).toContain('does not own');
    expect(invented).toBe(String(real));
  });

  test('AC2 the channel is looked at before the quota is', async () => {
    const sender = await acceptance.admit(rights.token('t', { dailyQuota: 1 }));
    await acceptance.accept(sender, message());
    await expect(acceptance.accept(sender, message(unknown))).rejects.toThrow('Channel ID is invalid.');
    await expect(acceptance.accept(sender, message())).rejects.toThrow('quota exceeded');
  });

  test('AC2 the token comes first: missing, wrong, without the scope, of a project that is switched off', async () => {
    const admit = async (token?: string) => acceptance.admit(token);
    await expect(admit()).rejects.toThrow('Login Required');
    await expect(admit('')).rejects.toThrow('Login Required');
    await expect(admit('nobody')).rejects.toThrow('Invalid Credentials');
    const reading = rights.token('r', { scopes: new Set([CHANNEL_SCOPE]) });
    await expect(admit(reading)).rejects.toThrow('gcm_for_chrome');
    rights.projectsOff.add('project-of-ann');
    await expect(admit(rights.token('t'))).rejects.toThrow('Access Not Configured');
  });

  test('AC3 a removed channel says so, a paused one accepts and stays silent', async () => {
    const sender = await acceptance.admit(rights.token('t'));
    await store.setChannelState(channel.key, 'paused');
    await acceptance.accept(sender, message());
    await Bun.sleep(0);
    expect([announced, woken]).toEqual([[], []]);
    await store.setChannelState(channel.key, 'removed');
    await expect(acceptance.accept(sender, message())).rejects.toThrow('The user removed the app');
  });

  test('OW1 an unproven app reaches its own publisher group only', async () => {
    rights.app(app, 'ann and co', { proven: false });
    const sender = await acceptance.admit(rights.token('t'));
    await expect(acceptance.accept(sender, message())).rejects.toThrow('public key alone');
    const own = await store.openChannel('ann', app);
    expect((await acceptance.accept(sender, message(own.id))).channel).toBe(own.key);
  });

  test('QU1 the message after the last of the day is refused with limit and reset, and the next day begins anew', async () => {
    const sender = await acceptance.admit(rights.token('t', { dailyQuota: 2 }));
    await acceptance.accept(sender, message());
    await acceptance.accept(sender, message());
    const refused = await acceptance.accept(sender, message()).catch((error: unknown) => error);
    expect(String(refused)).toContain(
      'The limit of this project is 2 a day; it resets at 2026-11-25T00:00:00.000Z.',
    );
    expect(refused).toMatchObject({
      status: 403,
      reason: 'dailyLimitExceeded',
      facts: { retryAfterSeconds: 57_600 },
    });
    clock.advance(57_600_000);
    await acceptance.accept(sender, message());
  });
});
