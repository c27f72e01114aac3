import { appOfChannel, type ChannelId, isChannelId } from '../../protocol/channel-id.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { asReveilleError } from '../../protocol/errors.ts';
import { isVersion, type Version } from '../../protocol/version.ts';
import type { Account } from '../accounts/account.ts';
import type { DeviceConnection } from '../core/connection.ts';
import type { Pending } from '../core/pending.ts';
import type { Channel, Device, DeviceTrace, MessageTrace } from '../core/store.ts';
import type { FailedWake } from '../core/wake.ts';
import type { PushRest } from '../core/waker.ts';
import type { ConsoleDeps } from './deps.ts';

/** What is known of a device for which a message waits. */
export interface DeviceNow {
  readonly device: Device;
  readonly connection: DeviceConnection;
  /** How the message stands at its connection. */
  readonly standing: Readonly<Pending> | undefined;
  readonly rest: PushRest | undefined;
  readonly failedWake: FailedWake | undefined;
}

export interface TracedMessage {
  readonly trace: MessageTrace;
  readonly project: { readonly id: string; readonly name: string };
  readonly channelState: Channel['state'];
  /** The next message of its channel and subchannel. */
  readonly next: Version | undefined;
  readonly devices: readonly {
    readonly trace: DeviceTrace;
    /** Of a device for which it waits, unless it has just left. */
    readonly now: DeviceNow | undefined;
  }[];
}

/** What was found for a pasted text. */
export type Found =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'message'; readonly message: TracedMessage }
  | {
      readonly kind: 'multicast';
      readonly id: string;
      readonly messages: readonly TracedMessage[];
      readonly refused: readonly { readonly channelId: string; readonly code: ErrorCode }[];
      /** Channels that it went to, the refused included. */
      readonly targets: number;
    }
  | {
      readonly kind: 'channel';
      readonly id: ChannelId;
      /** For who may send for the app: how the channel itself is. */
      readonly channel: ChannelNow | undefined;
      /** The newest of each subchannel, in their order. */
      readonly newest: readonly TracedMessage[];
      readonly earlier: readonly MessageTrace[];
    };

export interface ChannelNow {
  /** `none` = nobody has it, or its user is gone. */
  readonly state: Channel['state'] | 'none';
  readonly devices: number;
  readonly lastConfirmed: number | undefined;
}

/** What a trace is made of. */
export type TracingDeps = Pick<
  ConsoleDeps,
  'store' | 'projects' | 'apps' | 'connectionOf' | 'standingOf' | 'restOf' | 'failedWakeOf'
>;

/** Messages of a channel that are looked at, and of a multicast that are shown with their reasons. */
const LOOKED_AT = 100;
const SHOWN = 20;

/** Finds what became of a message, for the members of its project. To anyone else it does not exist. */
export class Tracing {
  readonly #deps: TracingDeps;

  constructor(deps: TracingDeps) {
    this.#deps = deps;
  }

  /** @param text a message's id, as /v2/messages or the header Reveille-Message gave it, or a channel id */
  async find(account: Account, text: string): Promise<Found> {
    if (isChannelId(text)) return await this.#channel(account, text);
    if (/^[0-9]{1,16}$/.test(text) && isVersion(Number(text))) {
      const trace = await this.#deps.store.traced(Number(text) as Version);
      const message = trace && (await this.#message(account, trace));
      if (message !== undefined) return { kind: 'message', message };
    }
    return /^[\w-]{1,64}$/.test(text) ? await this.#multicast(account, text) : { kind: 'nothing' };
  }

  async #multicast(account: Account, id: string): Promise<Found> {
    const { store } = this.#deps;
    const multicast = await store.findMulticast(id);
    if (multicast === undefined || (await this.#project(account, multicast.project)) === undefined)
      return { kind: 'nothing' };
    const refused = multicast.targets.flatMap((one) =>
      'version' in one ? [] : [{ channelId: one.channelId, code: one.refusal }],
    );
    const messages: TracedMessage[] = [];
    for (const target of multicast.targets) {
      if (!('version' in target) || messages.length === SHOWN) continue;
      const trace = await store.traced(target.version);
      const message = trace && (await this.#message(account, trace));
      if (message !== undefined) messages.push(message);
    }
    return { kind: 'multicast', id, messages, refused, targets: multicast.targets.length };
  }

  async #channel(account: Account, id: ChannelId): Promise<Found> {
    const { store, apps } = this.#deps;
    const mine = (await apps.list(account.id)).some((app) => app.id === appOfChannel(id));
    const channel = await store.findChannel(id);
    const traces = channel === undefined ? [] : await store.trace({ channel: channel.key }, LOOKED_AT);
    const seen = await this.#seenBy(account, traces);
    if (!mine && seen.length === 0) return { kind: 'nothing' };
    const bySlot = new Map(seen.toReversed().map((trace) => [trace.slot, trace]));
    const newest: TracedMessage[] = [];
    for (const [, trace] of [...bySlot].sort(([a], [b]) => (a ?? '').localeCompare(b ?? ''))) {
      const message = await this.#message(account, trace);
      if (message !== undefined) newest.push(message);
    }
    const first = new Set(newest.map(({ trace }) => trace.version));
    return {
      kind: 'channel',
      id,
      channel: mine ? await this.#channelNow(channel) : undefined,
      newest,
      earlier: seen.filter(({ version }) => !first.has(version)).slice(0, SHOWN),
    };
  }

  async #channelNow(channel: Channel | undefined): Promise<ChannelNow> {
    const { store } = this.#deps;
    if (channel === undefined || channel.state === 'removed')
      return { state: channel?.state ?? 'none', devices: 0, lastConfirmed: undefined };
    const devices = await store.devicesOf(channel.key);
    const lastConfirmed = await store.lastConfirmed(channel.key);
    return { state: channel.state, devices: devices.length, lastConfirmed };
  }

  async #seenBy(account: Account, traces: readonly MessageTrace[]): Promise<readonly MessageTrace[]> {
    const open = new Map<string, boolean>();
    for (const { project } of traces) {
      if (!open.has(project)) open.set(project, (await this.#project(account, project)) !== undefined);
    }
    return traces.filter(({ project }) => open.get(project));
  }

  /** undefined: it is not the account's to see. */
  async #message(account: Account, trace: MessageTrace): Promise<TracedMessage | undefined> {
    const { store } = this.#deps;
    const project = await this.#project(account, trace.project);
    if (project === undefined || trace.channelId === '') return undefined;
    const channel = await store.findChannel(trace.channelId);
    const others = channel === undefined ? [] : await store.trace({ channel: channel.key }, LOOKED_AT);
    const later = others.filter(({ slot, version }) => slot === trace.slot && version > trace.version);
    const devices = await Promise.all(
      trace.devices.map(async (one) => ({ trace: one, now: await this.#now(one, trace.version) })),
    );
    const channelState = channel?.state ?? 'removed';
    return { trace, project, channelState, next: later.at(-1)?.version, devices };
  }

  async #now({ state, deviceId }: DeviceTrace, version: Version): Promise<DeviceNow | undefined> {
    const { store, connectionOf, standingOf, restOf, failedWakeOf } = this.#deps;
    const device = state === 'waiting' ? await store.findDevice(deviceId) : undefined;
    if (device === undefined) return undefined;
    return {
      device,
      connection: connectionOf(device),
      standing: standingOf(device, version),
      rest: restOf(device),
      failedWake: failedWakeOf(device),
    };
  }

  async #project(account: Account, id: string): Promise<{ id: string; name: string } | undefined> {
    try {
      return await this.#deps.projects.get(account, id);
    } catch (thrown) {
      if (asReveilleError(thrown).code === 'not-found') return undefined;
      throw thrown;
    }
  }
}
