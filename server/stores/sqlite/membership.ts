import type { AppId } from '../../../protocol/app-id.ts';
import type { ChannelId } from '../../../protocol/channel-id.ts';
import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock, Random } from '../../core/clock.ts';
import type {
  Channel,
  ChannelKey,
  ChannelState,
  Device,
  DeviceChange,
  DeviceDraft,
  DeviceKey,
  FormerDevice,
  LeftDevice,
  Seen,
} from '../../core/store.ts';
import type { ChannelTable } from './channel-table.ts';
import { type DeviceRow, type DeviceTable, deviceOf } from './device-table.ts';
import type { EndingTable } from './ending-table.ts';
import type { MetaTable } from './meta-table.ts';
import type { SeenTable } from './seen-table.ts';

/** Channels that one commit removes: an app may have a million, and other writes wait for the commit. */
const CHANNELS_PER_STEP = 100;

interface Step {
  readonly left: readonly LeftDevice[];
  readonly more: boolean;
}

/** Who takes part: channels come and go, devices come and go. All of it runs inside a commit. */
export class Membership {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #meta: MetaTable;
  readonly #channels: ChannelTable;
  readonly #devices: DeviceTable;
  readonly #endings: EndingTable;
  readonly #seen: SeenTable;
  readonly #devicesPerChannel: number;

  constructor(deps: {
    readonly clock: Clock;
    readonly random: Random;
    readonly meta: MetaTable;
    readonly channels: ChannelTable;
    readonly devices: DeviceTable;
    readonly endings: EndingTable;
    readonly seen: SeenTable;
    readonly devicesPerChannel: number | undefined;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#meta = deps.meta;
    this.#channels = deps.channels;
    this.#devices = deps.devices;
    this.#endings = deps.endings;
    this.#seen = deps.seen;
    this.#devicesPerChannel = deps.devicesPerChannel ?? limits.devicesPerChannel;
  }

  openChannel(user: string, app: AppId): Channel {
    const known = this.#channels.find(user, app);
    if (known === undefined) return this.#channels.make(user, app, this.#random, this.#clock.now());
    if (known.state !== 'removed') return known;
    this.#channels.setState(known.key, 'live');
    return { ...known, state: 'live' };
  }

  setChannelState(key: ChannelKey, state: ChannelState): readonly LeftDevice[] {
    const channel = this.#channels.byKey(key);
    if (channel === undefined || channel.user === '') throw new ReveilleError('channel-invalid');
    this.#channels.setState(key, state);
    if (state !== 'removed') return [];
    this.#seen.drop(key);
    return this.#allLeave(this.#devices.ofChannel(key));
  }

  register(draft: DeviceDraft): { device: Device; evicted: DeviceKey | null } {
    const channel = this.#channels.assertOpen(draft.channel);
    if (channel.user === '') throw new ReveilleError('channel-invalid');
    if (this.#devices.isTaken(draft.id)) throw new ReveilleError('input-invalid', 'This device id is taken.');
    const full = this.#devices.countOf(channel.key) >= this.#devicesPerChannel;
    const evicted = full ? longestSilent(this.#devices.ofChannel(channel.key)) : undefined;
    if (evicted !== undefined) this.#leave(evicted);
    const row = this.#devices.insert(draft, this.#meta.lastVersion, this.#clock.now());
    return { device: deviceOf(row, channel), evicted: evicted?.key ?? null };
  }

  /** False when it is not beyond what was seen before, or no version that the device can have. */
  markSeen(key: DeviceKey, seen: Seen): boolean {
    const device = this.#devices.byKey(key);
    if (device === undefined || seen.version <= device.since || seen.version > this.#meta.lastVersion)
      return false;
    return this.#seen.mark(device.channel, seen, this.#clock.now());
  }

  updateDevice(key: DeviceKey, change: DeviceChange): void {
    const device = this.#devices.byKey(key);
    if (device === undefined) throw new ReveilleError('device-unknown');
    this.#devices.update(device, change);
  }

  /** Whoever comes or goes is asked for no more until a message comes: of a silent device nothing is remembered. */
  seen(key: DeviceKey): void {
    const device = this.#devices.byKey(key);
    if (device === undefined) return;
    this.#devices.seen(device, this.#clock.now());
    this.#channels.forgetOne(device.channel);
  }

  removeDevice(key: DeviceKey): void {
    const device = this.#devices.byKey(key);
    if (device !== undefined) this.#leave(device);
  }

  leftAfter(moment: number, limit: number): readonly FormerDevice[] {
    return this.#devices
      .leftAfter(moment, limit)
      .map(({ key, channel, leftAt }) => ({ ...this.#left({ key, channel }), leftAt }));
  }

  removeSignIn(signIn: string): readonly LeftDevice[] {
    return this.#allLeave(this.#devices.ofSignIn(signIn));
  }

  /** One step of removing a user. */
  removeSomeOfUser(user: string): Step {
    const channels = this.#channels.ofUser(user).map((channel) => channel.key);
    const some = channels.slice(0, CHANNELS_PER_STEP);
    const left = some.flatMap((channel) => {
      const devices = this.setChannelState(channel, 'removed');
      this.#devices.blankNames(channel);
      this.#channels.forgetUser(channel);
      return devices;
    });
    return { left, more: channels.length > some.length };
  }

  /** One step of removing an app. */
  removeSomeOfApp(app: AppId): Step {
    const some = this.#channels.someOfApp(app, CHANNELS_PER_STEP);
    const left = some.flatMap((channel) => this.setChannelState(channel, 'removed'));
    return { left, more: some.length === CHANNELS_PER_STEP };
  }

  #allLeave(devices: readonly DeviceRow[]): readonly LeftDevice[] {
    for (const device of devices) this.#leave(device);
    return devices.map((device) => this.#left(device));
  }

  #left({ key, channel }: Pick<DeviceRow, 'key' | 'channel'>): LeftDevice {
    return { key, channelId: this.#channels.byKey(channel)?.id ?? ('' as ChannelId) };
  }

  #leave(device: DeviceRow): void {
    const now = this.#clock.now();
    this.#devices.leave(device, now);
    this.#endings.withdrawAll(device, now);
  }
}

/** The device not heard of for the longest time; of several, the one registered first. */
function longestSilent(devices: readonly DeviceRow[]): DeviceRow | undefined {
  return devices.reduce<DeviceRow | undefined>(
    (silent, one) => (silent === undefined || one.seenAt < silent.seenAt ? one : silent),
    undefined,
  );
}
