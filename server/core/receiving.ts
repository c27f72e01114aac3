import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Bus } from './bus.ts';
import type { Channel, Device, LeftDevice, Store } from './store.ts';

/** One app that may send to a user, and where its messages arrive. */
export interface ReceivingApp {
  readonly channel: Channel;
  readonly devices: readonly Device[];
}

/**
 * The user's side of channels: which apps may send to me, on which devices; pause, resume, remove. And what happens to
 * them when a ground of theirs ends: every connection that rested on it is closed in the same step.
 */
export class Receiving {
  readonly #store: Store;
  readonly #bus: Bus;

  constructor(deps: { readonly store: Store; readonly bus: Bus }) {
    this.#store = deps.store;
    this.#bus = deps.bus;
  }

  /** The channel of an account with an app, made at first use (CH1). */
  open(account: string, app: AppId): Promise<Channel> {
    return this.#store.openChannel(account, app);
  }

  /** The apps that may send to an account, with its devices. */
  async apps(account: string): Promise<readonly ReceivingApp[]> {
    const channels = (await this.#store.channelsOf(account)).filter((channel) => channel.state !== 'removed');
    return Promise.all(
      channels.map(async (channel) => ({ channel, devices: await this.#store.devicesOf(channel.key) })),
    );
  }

  /** Messages are accepted and wait, but reach no device. @throws `not-found` when it is not a channel of the account. */
  async pause(account: string, app: AppId): Promise<void> {
    const channel = (await this.#own(account, app)).key;
    await this.#store.setChannelState(channel, 'paused');
    await this.#bus.announceAll({ kind: 'paused', channel });
  }

  /** What waits is offered now. One that is not paused goes on as it was (PA2). @throws `not-found`. */
  async resume(account: string, app: AppId): Promise<void> {
    const { key: channel, state } = await this.#own(account, app);
    if (state === 'live') return;
    await this.#store.setChannelState(channel, 'live');
    await this.#bus.announceAll({ kind: 'resumed', channel });
  }

  /** The app may not send any more, its devices leave. @throws `not-found`. */
  async remove(account: string, app: AppId): Promise<void> {
    await this.#end(await this.#store.setChannelState((await this.#own(account, app)).key, 'removed'));
  }

  /** Did the account remove the app? It stays removed until a person lets it in again. */
  async wasRemoved(account: string, app: AppId): Promise<boolean> {
    return (await this.#store.channelsOf(account)).some((one) => one.app === app && one.state === 'removed');
  }

  /** One device of the account. @throws `not-found` when the account has no such device. */
  async device(account: string, deviceId: string): Promise<Device> {
    const device = await this.#store.findDevice(deviceId);
    if (device === undefined || device.channel.user !== account)
      throw new ReveilleError('not-found', 'You have no such device.');
    return device;
  }

  /** Ends one device of the account. @throws `not-found` when the account has no such device. */
  async signOutDevice(account: string, deviceId: string): Promise<void> {
    const device = await this.device(account, deviceId);
    await this.#store.removeDevice(device.key);
    await this.#end([leftBy(device)]);
  }

  /** Ends every device of the account; its channels stay. */
  async signOutDevices(account: string): Promise<void> {
    const devices = (await this.apps(account)).flatMap((app) => app.devices);
    await this.#endAll(devices);
  }

  /** The account took its grant to the app back: its devices with the app leave; the channel stays for the next sign-in. */
  async endDevices(account: string, app: AppId): Promise<void> {
    const channel = (await this.#store.channelsOf(account)).find((one) => one.app === app);
    if (channel === undefined) return;
    await this.#endAll(await this.#store.devicesOf(channel.key));
  }

  /** The account signed out in one browser: the devices that signed in there leave. */
  async endSignIn(signIn: string): Promise<void> {
    await this.#end(await this.#store.removeSignIn(signIn));
  }

  /** The account is gone. */
  async endAccount(account: string): Promise<void> {
    await this.#end(await this.#store.removeUser(account));
  }

  /** The app is gone. */
  async endApp(app: AppId): Promise<void> {
    await this.#end(await this.#store.removeApp(app));
  }

  async #own(account: string, app: AppId): Promise<Channel> {
    const channel = (await this.#store.channelsOf(account)).find((one) => one.app === app);
    if (channel === undefined || channel.state === 'removed') {
      throw new ReveilleError('not-found', 'This app has no channel of yours.');
    }
    return channel;
  }

  async #endAll(devices: readonly Device[]): Promise<void> {
    for (const device of devices) await this.#store.removeDevice(device.key);
    await this.#end(devices.map(leftBy));
  }

  async #end(devices: readonly LeftDevice[]): Promise<void> {
    if (devices.length > 0) await this.#bus.announceAll({ kind: 'ended', devices });
  }
}

const leftBy = ({ key, channel }: Device): LeftDevice => ({ key, channelId: channel.id });
