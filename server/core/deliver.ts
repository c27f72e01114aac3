import { limits } from '../../protocol/limits.ts';
import type { Version } from '../../protocol/version.ts';
import type { Events } from '../observe/events.ts';
import { Alarms } from './alarms.ts';
import type { Announcement, Bus } from './bus.ts';
import type { Clock } from './clock.ts';
import { type DeviceConnection, RecentEndings } from './connection.ts';
import { Groups } from './groups.ts';
import { Moves } from './moves.ts';
import { type Leftover, Outbox, type OutboxDeps } from './outbox.ts';
import type { NodeId, Presence, PresentSession } from './presence.ts';
import type { EndReason, Recipient } from './recipient.ts';
import type { ChannelKey, DeviceKey, Kept, Missed, Store } from './store.ts';
import type { Addressee } from './subscription.ts';

/**
 * Who is connected to this node, and what they are offered: two mirrored indexes of the same outboxes, device → outbox and
 * channel → outboxes. Whatever enters one enters the other; the last outbox of a channel takes the entry with it.
 */
export class Deliveries {
  readonly node: NodeId;
  /** Where messages came further on their devices. */
  readonly moves: Moves;
  readonly #store: Store;
  readonly #presence: Presence;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #byDevice = new Map<DeviceKey, Outbox>();
  readonly #byChannel = new Groups<ChannelKey, Outbox>();
  readonly #outboxDeps: OutboxDeps;
  readonly #endings = new RecentEndings();
  readonly #stopListening: () => void;
  /** The message that is being handed to all devices of its channel, and those that have it. */
  #fanOut: { readonly version: Version; readonly devices: string[] } | undefined;
  #onLeft: ((device: Addressee, left: Leftover, rests: boolean) => void) | undefined;

  constructor(deps: {
    readonly node: NodeId;
    readonly store: Store;
    readonly presence: Presence;
    readonly bus: Bus;
    readonly clock: Clock;
    readonly events: Events;
  }) {
    this.node = deps.node;
    this.moves = new Moves(deps);
    this.#store = deps.store;
    this.#presence = deps.presence;
    this.#clock = deps.clock;
    this.#events = deps.events;
    const { store, bus, clock, events } = deps;
    this.#outboxDeps = {
      store,
      moves: this.moves,
      clock,
      alarms: new Alarms(clock),
      events,
      offered: (version, device) => this.#offered(version, device),
      announceWithdrawn: (channel, version) => bus.announceAll({ kind: 'withdrawn', channel, version }),
      announceReceipt: (receipts, version) => bus.announceAll({ kind: 'receipt', receipts, version }),
    };
    this.#stopListening = deps.bus.onAnnounce(deps.node, (announcement) => this.#onAnnounce(announcement));
  }

  /**
   * A device has connected and proved who it is. Its earlier connection, if any, ends as `replaced`: one profile is one
   * device. The outbox offers what waits, then tells the recipient that it has caught up, then is live.
   * When the store cannot be read the connection ends as `going-away`, so that the device comes back.
   */
  connect(device: Addressee, recipient: Recipient): Outbox {
    this.#byDevice.get(device.key)?.end('replaced');
    const outbox = new Outbox(device, recipient, this.#outboxDeps);
    this.#byDevice.set(device.key, outbox);
    this.#byChannel.add(device.channel.key, outbox);
    void this.#start(outbox);
    return outbox;
  }

  /**
   * The connection behind `outbox` is gone.
   * @param reason why, for the owner of the device; none where nobody is shown it
   * @param rests the device will not come back by itself
   */
  async disconnect(outbox: Outbox, reason?: string, rests = false): Promise<void> {
    outbox.close();
    const gateway = outbox.describe()?.gateway;
    if (reason !== undefined && gateway !== undefined)
      this.#endings.note(outbox.device.key, { at: this.#clock.now(), gateway, reason });
    this.#byChannel.delete(outbox.device.channel.key, outbox);
    // A newer connection of the same device has its own entry and its own registration.
    if (this.#byDevice.get(outbox.device.key) !== outbox) return;
    this.#byDevice.delete(outbox.device.key);
    await this.#presence.unregister(this.#session(outbox));
    this.#onLeft?.(outbox.device, outbox.leftover, rests);
    await this.#store.seen(outbox.device.key);
  }

  /**
   * Sets who hears that the connection of a device is gone, what it left, and whether it comes back only
   * when it is woken (core/wake.ts). It is unregistered by then.
   */
  onLeft(listener: (device: Addressee, left: Leftover, rests: boolean) => void): void {
    this.#onLeft = listener;
  }

  /** The live outboxes of a channel on this node. */
  outboxesOf(channel: ChannelKey): Iterable<Outbox> {
    return this.#byChannel.of(channel);
  }

  /** The live outbox of a device on this node. */
  outboxOf(device: DeviceKey): Outbox | undefined {
    return this.#byDevice.get(device);
  }

  /** What this node knows of a device's connection: the one that stands, and how the last one ended. */
  connectionOf(device: DeviceKey): DeviceConnection {
    const outbox = this.#byDevice.get(device);
    const said = outbox?.describe();
    const current =
      outbox === undefined || said === undefined
        ? undefined
        : { gateway: said.gateway, since: outbox.connectedAt, heardAt: this.#clock.now() - said.silentMs };
    return { current, ended: this.#endings.of(device) };
  }

  /**
   * What waits for a device: of a connected one what its outbox holds; of one that is away what it would be given now, and
   * what a newer message of its slot has replaced is recorded as superseded, as it would be then (SC2).
   */
  async waitingFor(device: DeviceKey): Promise<Missed> {
    const outbox = this.#byDevice.get(device);
    if (outbox === undefined) return await this.#store.missed(device, limits.queuePage);
    return { kept: outbox.waiting(), more: outbox.holdsPart };
  }

  /** Ends every connection of this node, for shutdown. */
  endAll(reason: EndReason): void {
    this.#stopListening();
    this.moves.stop();
    for (const outbox of [...this.#byDevice.values()]) outbox.end(reason);
  }

  /** Connections of this node now. */
  get size(): number {
    return this.#byDevice.size;
  }

  async #start(outbox: Outbox): Promise<void> {
    try {
      // Write mine, then read yours: registered first, so that what is kept from here on is announced to us.
      await this.#presence.register(this.#session(outbox));
      await outbox.catchUp();
      if (outbox.wantsSeen)
        for (const seen of await this.#store.seenOf(outbox.device.channel.key)) outbox.seen(seen);
      await this.#store.seen(outbox.device.key);
    } catch (error) {
      this.#events.failed('catch-up', error);
      outbox.end('going-away');
    }
  }

  #session(outbox: Outbox): PresentSession {
    return { channel: outbox.device.channel.key, device: outbox.device.key, node: this.node };
  }

  #announced(kept: Kept): void {
    const { version } = kept;
    const fanOut = { version, devices: [] };
    this.#fanOut = fanOut;
    try {
      for (const outbox of this.#byChannel.of(kept.channel)) outbox.announced(kept);
    } finally {
      this.#fanOut = undefined;
      if (fanOut.devices.length > 0) this.#events.offered(version, fanOut.devices);
    }
  }

  /** Tells of a fan-out once, not once for each device. */
  #offered(version: Version, device: string): void {
    if (this.#fanOut?.version === version) this.#fanOut.devices.push(device);
    else this.#events.offered(version, [device]);
  }

  #onAnnounce(announcement: Announcement): void {
    switch (announcement.kind) {
      case 'kept':
        for (const kept of announcement.kept) this.#announced(kept);
        return;
      case 'ended':
        for (const { key } of announcement.devices) this.#byDevice.get(key)?.end('device-ended');
        return;
      case 'withdrawn':
        for (const outbox of this.#byChannel.of(announcement.channel)) outbox.withdrawn(announcement.version);
        return;
      case 'seen':
        for (const outbox of this.#byChannel.of(announcement.channel)) outbox.seen(announcement.seen);
        return;
      case 'paused':
        for (const outbox of this.#byChannel.of(announcement.channel)) outbox.pause();
        return;
      case 'resumed':
        for (const outbox of this.#byChannel.of(announcement.channel)) {
          outbox.catchUp().catch((error: unknown) => {
            this.#events.failed('catch-up', error);
            outbox.end('going-away');
          });
        }
    }
  }
}
