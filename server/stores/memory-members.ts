import type { AppId } from '../../protocol/app-id.ts';
import { type ChannelId, makeChannelId } from '../../protocol/channel-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Clock, Random } from '../core/clock.ts';
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
  WakeableOf,
} from '../core/store.ts';

/** A device, also one that left. */
export interface Member {
  readonly key: DeviceKey;
  readonly id: string;
  readonly channel: ChannelKey;
  readonly since: Version;
  readonly registeredAt: number;
  tokenHash: string;
  name: string;
  signIn: string | null;
  transport: string | null;
  lowestUrgency: Urgency;
  seenAt: number;
  removedAt: number | null;
}

/** What the messages tell and are told. */
interface MessagesSide {
  lastVersion(): Version;
  /** A device leaves: what waited for it ends. */
  leaves(member: Member): void;
  /** A channel is removed: what its user has seen is nobody's any more. */
  removed(channel: ChannelKey): void;
}

/** Channels and devices of the store in memory. */
export class MemoryMembers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #devicesPerChannel: number;
  readonly #messages: MessagesSide;
  readonly #channels = new Map<ChannelKey, Channel>();
  readonly #members = new Map<DeviceKey, Member>();
  #lastChannel = 0;
  #lastMember = 0;

  constructor(clock: Clock, random: Random, devicesPerChannel: number, messages: MessagesSide) {
    this.#clock = clock;
    this.#random = random;
    this.#devicesPerChannel = devicesPerChannel;
    this.#messages = messages;
  }

  channel(key: ChannelKey): Channel | undefined {
    return this.#channels.get(key);
  }

  findChannel(id: ChannelId): Channel | undefined {
    return id === '' ? undefined : [...this.#channels.values()].find((channel) => channel.id === id);
  }

  /** Empty for the channel of a push subscription. */
  idOf(key: ChannelKey): ChannelId {
    const channel = this.#channels.get(key);
    if (channel === undefined) throw new Error('a message without a channel');
    return channel.id;
  }

  channelsOf(user: string): readonly Channel[] {
    return user === '' ? [] : [...this.#channels.values()].filter((channel) => channel.user === user);
  }

  /** @throws `channel-invalid`. */
  assertOpenChannel(key: ChannelKey): Channel {
    const channel = this.#channels.get(key);
    if (channel === undefined || channel.state === 'removed') throw new ReveilleError('channel-invalid');
    return channel;
  }

  openChannel(user: string, app: AppId): Channel {
    const known = this.channelsOf(user).find((channel) => channel.app === app);
    if (known !== undefined && known.state !== 'removed') return known;
    if (known !== undefined) return this.#put({ ...known, state: 'live' });
    let id = makeChannelId(app, this.#random(8));
    while (this.findChannel(id) !== undefined) id = makeChannelId(app, this.#random(8));
    this.#lastChannel += 1;
    const key = this.#lastChannel as ChannelKey;
    return this.#put({ key, id, app, user, state: 'live', createdAt: this.#clock.now() });
  }

  setChannelState(key: ChannelKey, state: ChannelState): readonly LeftDevice[] {
    const channel = this.#channels.get(key);
    if (channel === undefined || channel.user === '') throw new ReveilleError('channel-invalid');
    this.#put({ ...channel, state });
    if (state === 'removed') this.#messages.removed(key);
    return state === 'removed' ? this.#allLeave(this.ofChannel(key)) : [];
  }

  register(draft: DeviceDraft): { device: Device; evicted: DeviceKey | null } {
    const channel = this.assertOpenChannel(draft.channel);
    if (channel.user === '') throw new ReveilleError('channel-invalid');
    if ([...this.#members.values()].some((member) => member.id === draft.id)) {
      throw new ReveilleError('input-invalid', 'This device id is taken.');
    }
    const present = this.ofChannel(channel.key);
    // A stable sort: of several that are silent for as long, the one registered first.
    const silent = [...present].sort((a, b) => a.seenAt - b.seenAt)[0];
    const evicted = present.length < this.#devicesPerChannel ? undefined : silent;
    if (evicted !== undefined) this.#leave(evicted);
    return { device: deviceOf(this.#add(draft), channel), evicted: evicted?.key ?? null };
  }

  /** The one device of a push subscription, on its channel of before or on one of its own: nobody's, without an id. */
  subscribe(before: ChannelKey | undefined): Member {
    const known = before === undefined ? undefined : this.#channels.get(before);
    if (known === undefined) this.#lastChannel += 1;
    const now = this.#clock.now();
    const key = known?.key ?? (this.#lastChannel as ChannelKey);
    const nobodys = { id: '' as ChannelId, app: '' as AppId, user: '', state: 'live' as const };
    this.#put({ key, ...nobodys, createdAt: known?.createdAt ?? now });
    const id = Buffer.from(this.#random(12)).toString('base64url');
    return this.#add({ id, channel: key, tokenHash: '', name: '', signIn: null });
  }

  /** The subscription ends, its channel stays for as long as it is remembered. */
  unsubscribe({ key, channel }: { readonly key: DeviceKey; readonly channel: { key: ChannelKey } }): void {
    this.remove(key);
    const known = this.#channels.get(channel.key);
    if (known !== undefined) this.#put({ ...known, state: 'removed' });
  }

  forgetChannel(key: ChannelKey): void {
    this.#channels.delete(key);
  }

  /** A device that has not left. */
  find(key: DeviceKey): Member | undefined {
    const member = this.#members.get(key);
    return member?.removedAt === null ? member : undefined;
  }

  findDevice(id: string): Device | undefined {
    const member = [...this.#members.values()].find((one) => one.id === id && one.removedAt === null);
    const channel = member && this.#channels.get(member.channel);
    // The one device of a push subscription is nobody's to name.
    return member && channel && channel.user !== '' ? deviceOf(member, channel) : undefined;
  }

  /** In the order of registration. */
  ofChannel(channel: ChannelKey): readonly Member[] {
    return this.everOf(channel).filter((member) => member.removedAt === null);
  }

  /** Also those that left. */
  everOf(channel: ChannelKey): readonly Member[] {
    return [...this.#members.values()].filter((member) => member.channel === channel);
  }

  devicesOf(key: ChannelKey): readonly Device[] {
    const channel = this.#channels.get(key);
    return channel === undefined || channel.user === ''
      ? []
      : this.ofChannel(key).map((member) => deviceOf(member, channel));
  }

  wakeable(of: WakeableOf): readonly Device[] {
    const members = 'channel' in of ? this.ofChannel(of.channel) : this.#wakeableAfter(of.after, of.limit);
    return members.flatMap((member) => {
      const channel = this.#channels.get(member.channel);
      const isNobodys = member.transport === null || channel === undefined || channel.user === '';
      return isNobodys ? [] : [deviceOf(member, channel)];
    });
  }

  update(key: DeviceKey, change: DeviceChange): void {
    const member = this.find(key);
    if (member === undefined) throw new ReveilleError('device-unknown');
    Object.assign(member, change);
  }

  seen(key: DeviceKey): void {
    const member = this.find(key);
    if (member !== undefined) member.seenAt = this.#clock.now();
  }

  remove(key: DeviceKey): void {
    const member = this.find(key);
    if (member !== undefined) this.#leave(member);
  }

  leftAfter(moment: number, limit: number): readonly FormerDevice[] {
    return [...this.#members.values()]
      .flatMap(({ key, channel, removedAt: leftAt }) =>
        leftAt !== null && leftAt > moment ? [{ key, channelId: this.idOf(channel), leftAt }] : [],
      )
      .sort((a, b) => b.leftAt - a.leftAt || b.key - a.key)
      .slice(0, limit);
  }

  removeSignIn(signIn: string): readonly LeftDevice[] {
    return this.#allLeave([...this.#members.values()].filter((member) => member.signIn === signIn));
  }

  removeUser(user: string): readonly LeftDevice[] {
    const left = this.channelsOf(user).flatMap((channel) => {
      const devices = this.setChannelState(channel.key, 'removed');
      this.#put({ ...channel, state: 'removed', user: '' });
      for (const member of this.everOf(channel.key)) member.name = '';
      return devices;
    });
    return left.sort((a, b) => a.key - b.key);
  }

  removeApp(app: AppId): readonly LeftDevice[] {
    const channels = [...this.#channels.values()].filter((one) => one.app === app && one.state !== 'removed');
    const left = channels.flatMap((channel) => this.setChannelState(channel.key, 'removed'));
    return left.sort((a, b) => a.key - b.key);
  }

  /** Forgets devices that left at `before` or earlier. */
  dropFormer(before: number): void {
    for (const member of this.#members.values()) {
      if (member.removedAt !== null && member.removedAt <= before) this.#members.delete(member.key);
    }
  }

  #wakeableAfter(after: Device | null, limit: number): readonly Member[] {
    const [channel, key] = [after?.channel.key ?? 0, after?.key ?? 0];
    return [...this.#members.values()]
      .filter(
        (one) =>
          one.transport !== null && (one.channel > channel || (one.channel === channel && one.key > key)),
      )
      .sort((a, b) => a.channel - b.channel || a.key - b.key)
      .slice(0, limit);
  }

  #add(draft: DeviceDraft): Member {
    const now = this.#clock.now();
    this.#lastMember += 1;
    const member: Member = {
      ...draft,
      key: this.#lastMember as DeviceKey,
      since: this.#messages.lastVersion(),
      transport: null,
      lowestUrgency: 'very-low',
      registeredAt: now,
      seenAt: now,
      removedAt: null,
    };
    this.#members.set(member.key, member);
    return member;
  }

  #put(channel: Channel): Channel {
    this.#channels.set(channel.key, channel);
    return channel;
  }

  #allLeave(members: readonly Member[]): readonly LeftDevice[] {
    for (const member of members) this.#leave(member);
    return members.map(({ key, channel }) => ({ key, channelId: this.idOf(channel) }));
  }

  #leave(member: Member): void {
    this.#messages.leaves(member);
    Object.assign(member, { removedAt: this.#clock.now(), tokenHash: '', transport: null, signIn: null });
  }
}

/** The device as the port gives it: a copy, so that no caller holds on to what changes. */
function deviceOf(member: Member, channel: Channel): Device {
  const { key, id, tokenHash, name, transport, lowestUrgency, registeredAt, seenAt } = member;
  return { key, id, channel, tokenHash, name, transport, lowestUrgency, registeredAt, seenAt };
}
