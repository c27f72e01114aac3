import { createHash, timingSafeEqual } from 'node:crypto';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Events } from '../observe/events.ts';
import type { Bus } from './bus.ts';
import type { Random } from './clock.ts';
import type { Deliveries } from './deliver.ts';
import type { Device, LeftDevice, Missed, MissedOf, Seen, Store } from './store.ts';

/** What a device says of one version. */
export type Acknowledgement =
  | { readonly outcome: 'taken' | 'handled'; readonly version: Version }
  | { readonly outcome: 'failed' | 'no-listener'; readonly version: Version; readonly reason: string };

/** What a device holds: its public id, and the secret that is its only authority. */
export interface DeviceCredentials {
  readonly id: string;
  readonly token: string;
}

export interface Registration {
  readonly account: string;
  readonly app: AppId;
  readonly name: string;
  /** The credentials the profile holds from before: renewed when they are still good for the same account and app. */
  readonly held?: DeviceCredentials;
  /** The sign-in that the access token came from: signing out ends the device. */
  readonly signIn?: string | undefined;
}

/** Devices: registration, authority of the device token, acknowledgements over any transport. */
export class Devices {
  readonly #store: Store;
  readonly #deliveries: Deliveries;
  readonly #bus: Bus;
  readonly #random: Random;
  readonly #events: Events;

  constructor(deps: {
    readonly store: Store;
    readonly deliveries: Deliveries;
    readonly bus: Bus;
    readonly random: Random;
    readonly events: Events;
  }) {
    this.#store = deps.store;
    this.#deliveries = deps.deliveries;
    this.#bus = deps.bus;
    this.#random = deps.random;
    this.#events = deps.events;
  }

  /**
   * Registers a browser profile for (account, app). Settles when the device is kept: every message accepted after that
   * reaches it (FO2). The token is told once and stored only as a hash.
   */
  async register(registration: Registration): Promise<{ readonly device: Device; readonly token: string }> {
    const token = Buffer.from(this.#random(32)).toString('base64url');
    const channel = await this.#store.openChannel(registration.account, registration.app);
    const held = registration.held === undefined ? undefined : await this.#held(registration.held);
    if (held !== undefined && held.channel.key === channel.key) {
      await this.#store.updateDevice(held.key, { tokenHash: hashToken(token), name: registration.name });
      return { device: held, token };
    }
    const { device, evicted } = await this.#store.register({
      id: Buffer.from(this.#random(15)).toString('base64url'),
      channel: channel.key,
      tokenHash: hashToken(token),
      name: registration.name,
      signIn: registration.signIn ?? null,
    });
    if (evicted !== null) await this.#announceEnded({ key: evicted, channelId: channel.id });
    return { device, token };
  }

  /**
   * The device behind an id and its token.
   * @throws `device-unknown` when either is not known: the client signs in silently and registers again.
   */
  async authenticate({ id, token }: DeviceCredentials): Promise<Device> {
    const device = await this.#held({ id, token });
    if (device === undefined) throw new ReveilleError('device-unknown');
    return device;
  }

  /** What waits for a device, for one that fetches instead of staying connected. */
  missed(device: Device, which?: MissedOf): Promise<Missed> {
    return this.#store.missed(device.key, limits.queuePage, which);
  }

  /** Records what a device says of versions. Settles when all of it is kept. */
  async acknowledge(device: Device, acknowledgements: readonly Acknowledgement[]): Promise<void> {
    for (const acknowledgement of acknowledgements) await this.#acknowledge(device, acknowledgement);
    this.#deliveries.moves.moved(device.channel.id);
  }

  /**
   * The user has seen a subchannel up to a version: tells the other devices of the channel that are connected. Those that are
   * not learn it when they come back; nobody is woken for it.
   */
  async markSeen({ key, channel }: Device, seen: Seen): Promise<void> {
    const further = await this.#store.markSeen(key, seen);
    if (further) await this.#bus.announceAll({ kind: 'seen', channel: channel.key, seen });
  }

  /** How far the user has seen each subchannel, on any device. */
  seenOf({ channel }: Device): Promise<readonly Seen[]> {
    return this.#store.seenOf(channel.key);
  }

  /** How the device can be woken beside the WebSocket, null takes it back; and for what. */
  async setTransport(
    device: Device,
    transport: string | null,
    lowestUrgency: Urgency = 'very-low',
  ): Promise<void> {
    await this.#store.updateDevice(device.key, { transport, lowestUrgency });
  }

  /** The device as it is once it has named the lowest urgency that it wants. Kept, for wake-ups obey it while it is away. */
  async setLowestUrgency(device: Device, lowestUrgency: Urgency): Promise<Device> {
    if (device.lowestUrgency === lowestUrgency) return device;
    await this.#store.updateDevice(device.key, { lowestUrgency });
    return { ...device, lowestUrgency };
  }

  /** The device leaves: its token is void and its connection ends. */
  async remove({ key, channel }: Device): Promise<void> {
    await this.#store.removeDevice(key);
    await this.#announceEnded({ key, channelId: channel.id });
  }

  async #held({ id, token }: DeviceCredentials): Promise<Device | undefined> {
    const device = await this.#store.findDevice(id);
    if (device === undefined || device.channel.state === 'removed') return undefined;
    return timingSafeEqual(Buffer.from(device.tokenHash), Buffer.from(hashToken(token))) ? device : undefined;
  }

  async #acknowledge(device: Device, said: Acknowledgement): Promise<void> {
    const outbox = this.#deliveries.outboxOf(device.key);
    switch (said.outcome) {
      case 'taken':
        return outbox === undefined
          ? this.#store.taken(device.key, said.version)
          : outbox.taken(said.version);
      case 'handled':
        if (outbox !== undefined) return outbox.confirm(said.version, false);
        await this.#confirm(device, said.version);
        return this.#events.confirmed(said.version, device.id);
      case 'failed': {
        if (outbox !== undefined) return outbox.refuse(said.version, 'failed', said.reason);
        const { failedRuns } = await this.#store.runFailed(device.key, said.version);
        return this.#events.runFailed(said.version, device.id, failedRuns, said.reason);
      }
      case 'no-listener':
        return outbox?.refuse(said.version, 'no-listener', said.reason);
    }
  }

  async #confirm({ key, channel }: Device, version: Version): Promise<void> {
    const endedElsewhere = await this.#store.confirm(key, version);
    if (endedElsewhere) await this.#bus.announceAll({ kind: 'withdrawn', channel: channel.key, version });
  }

  async #announceEnded(device: LeftDevice): Promise<void> {
    await this.#bus.announceAll({ kind: 'ended', devices: [device] });
  }
}

/** SHA-256 of a device token, as it is stored: hexadecimal. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
