import type { AppId } from '../../protocol/app-id.ts';
import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { Version } from '../../protocol/version.ts';
import type { Draft, Kept, PushHeaders, Slot, StatedUrgency } from './kept.ts';
import type { ChannelKey, DeviceKey } from './keys.ts';
import type { MulticastStore } from './multicast.ts';
import type { SubscriptionStore } from './subscription.ts';

export type { ChannelKey, DeviceKey, Draft, Kept, PushHeaders, Slot, StatedUrgency };

/**
 * The port to what is kept. Every implementation runs `stores/contract.ts`.
 *
 * A message is kept once per channel, never per device. Each device has one *mark* per slot: every message of the slot
 * up to the mark has reached its end on that device, everything above still waits. Marks replace per-device copies,
 * so a fan-out costs nothing at rest.
 */

export type ChannelState = 'live' | 'paused' | 'removed';

/** One (user, app). The channel of a push subscription has neither: it is known by its key only (core/subscription.ts). */
export interface Channel {
  readonly key: ChannelKey;
  readonly id: ChannelId;
  readonly app: AppId;
  readonly user: string;
  readonly state: ChannelState;
  readonly createdAt: number;
}

/** One browser profile (or bot) of a user with an app. */
export interface Device {
  readonly key: DeviceKey;
  /** Public name, random, in URLs. */
  readonly id: string;
  readonly channel: Channel;
  /** SHA-256 of the device token: the token itself is nowhere at rest. */
  readonly tokenHash: string;
  readonly name: string;
  /** How the device can be woken beside the WebSocket: JSON text of the gateway's own, or null. */
  readonly transport: string | null;
  /** What lies below is not delivered to it, and does not wake it; `very-low` = it wants everything. */
  readonly lowestUrgency: Urgency;
  readonly registeredAt: number;
  readonly seenAt: number;
}

/** What may change of a device. */
export type DeviceChange = Partial<Pick<Device, 'tokenHash' | 'transport' | 'name' | 'lowestUrgency'>>;

/** A device that left, and the channel it was on. */
export interface LeftDevice {
  readonly key: DeviceKey;
  readonly channelId: ChannelId;
}

export interface FormerDevice extends LeftDevice {
  readonly leftAt: number;
}

export interface DeviceDraft {
  readonly id: string;
  readonly channel: ChannelKey;
  readonly tokenHash: string;
  readonly name: string;
  /** The sign-in (of a browser profile) that the device came from; signing out ends it. null = from a program's grant. */
  readonly signIn: string | null;
}

/** How a message ends on one device (ME1): exactly one of these, recorded. */
export type Ending = 'confirmed' | 'superseded' | 'expired' | 'failed' | 'withdrawn';

/** One message has ended on one device. */
export interface EndedMessage {
  readonly version: Version;
  readonly project: string;
  /** Empty for a push subscription. */
  readonly app: AppId | '';
  readonly ending: Ending;
  readonly acceptedAt: number;
}

/** Is quick and does not throw. */
export type EndedListener = (ended: readonly EndedMessage[]) => void;

/** What the trace shows of one message on one device. `waiting` = kept, not ended. */
export interface DeviceTrace {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly state: Ending | 'waiting';
  /** When it ended, in milliseconds since 1970; null while it waits. */
  readonly at: number | null;
  /** Runs of the handler that ended badly so far. */
  readonly failedRuns: number;
  /** Of a tracked message: when it first went out to the device, by a connection or a wake-up. */
  readonly sentAt?: number;
  /** Of a tracked message: when a run of it first began. */
  readonly receivedAt?: number;
}

export interface MessageTrace {
  readonly version: Version;
  /** Empty for a message to a push subscription. */
  readonly channelId: ChannelId | '';
  readonly slot: Slot;
  readonly project: string;
  readonly payload: string;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly devices: readonly DeviceTrace[];
  /** When the user was first said to have seen it, or one after it on its subchannel. */
  readonly seenAt?: number;
}

/**
 * Messages. Every method that writes settles only after the write is synced to disk (AC1) and leaves nothing half-done
 * when it rejects. Rejects with ReveilleError `store-full` or `unavailable` when the disk does not take the write.
 */
export interface MessageStore {
  /**
   * Keeps one message and counts it against the project's day in the same commit (QU1). A paused channel keeps too.
   * A queue holds at most limits.queuedPerChannel messages that are unexpired and still wait for some device; the topics
   * (slots that begin with "t:") of which one does are at most limits.topicsPerSubscription.
   * @throws `channel-invalid` when the channel is unknown or removed, `quota-exceeded` when the day is used up,
   * `queue-full` when the queue is full or the topics are too many. What is refused is not counted and uses up no version.
   */
  keep(draft: Draft): Promise<Kept>;
  /**
   * What waits for a device: the newest message of each slot, when it has neither ended on the device nor expired, by
   * version; then the queue, in order, at most `limit` of it. With `after` only the queue behind it is read. What is less
   * urgent than `lowest` is left out and goes on waiting; what it replaced in its slot does not take its place.
   * What a newer message of its slot replaced while the device was away is recorded as superseded (SC2), and does not come
   * back when the newer one expires (RFC 8030 section 5.4 has it so for topics). A paused or removed channel has nothing
   * for anyone; neither has a device that left.
   */
  missed(device: DeviceKey, limit: number, which?: MissedOf): Promise<Missed>;
  /** Of a tracked message: it went out to the device now. Nothing for any other, or a second time. */
  sent(device: DeviceKey, version: Version): Promise<void>;
  /**
   * OR1: a run of this version began, so every older message of its slot that has not ended on the device is superseded. Of a
   * tracked message the first time is noted.
   */
  taken(device: DeviceKey, version: Version): Promise<void>;
  /**
   * HA1: the handler ended well. Older ones of the slot are superseded. A late confirm takes the place of a recorded
   * `superseded` or `expired`: those were our assumption, a run is a fact. Other late or repeated confirms, and those for
   * a message that the device was not entitled to, change nothing. Of a message for any one device the first confirm ends it as
   * withdrawn on the others, in the same commit; a late one takes the place of that too. Answers whether it ended on others.
   * @param patient the device is told nothing of it, so it may wait some milliseconds to share a sync with other writes. Whoever asks
   * what is `missed` meanwhile is answered as if it were kept.
   */
  confirm(device: DeviceKey, version: Version, patient?: boolean): Promise<boolean>;
  /**
   * HA2: a run ended badly; as with `taken`, older ones of the slot are superseded. At `limits.failedRuns` the message ends
   * as `failed`. Answers the runs failed so far, and whether the message has ended on the device: when it had ended before
   * (or is not known any more), this run is not counted.
   */
  runFailed(
    device: DeviceKey,
    version: Version,
  ): Promise<{ readonly failedRuns: number; readonly ended: boolean }>;
  /** SC2: the window of a connected device was full, so this version gave way to a newer one. */
  supersede(device: DeviceKey, version: Version): Promise<void>;
  /**
   * Ends a message as withdrawn on every device that has not ended it. Answers its channel, or undefined when it waited for
   * nobody any more.
   */
  withdraw(version: Version): Promise<ChannelKey | undefined>;
  /**
   * Background work, in small steps between which other calls get their turn. A message leaves the trace when it is not
   * among the newest limits.traceMessages, but not within limits.silenceMs (a device may still be running it), and at the
   * latest after limits.traceHours. One that left the trace is removed when it has ended on every device entitled to it,
   * has expired, or was replaced by a message of its slot that left the trace too; one with a state to keep (`stateUntil`) not
   * before that. Answers the messages removed.
   */
  prune(): Promise<number>;
  /**
   * The newest messages, newest first, at most `limit`, of a project, a channel or receipts. Each lists the devices entitled to it,
   * in the order of their registration; on one that has not ended it an expired message shows as `expired` already.
   */
  trace(of: TraceOf, limit: number): Promise<readonly MessageTrace[]>;
  /** One message of the trace, by version. */
  traced(version: Version): Promise<MessageTrace | undefined>;
  /**
   * Tells every ending from now on, after its commit: also one that takes the place of an assumed one (`confirm`), and, once
   * pruning comes to it, what expired or was replaced while its device was away.
   */
  onEnded(listener: EndedListener): void;
  /** Accepted messages of a project on a day. */
  acceptedOn(project: string, quotaDay: string): Promise<number>;
}

/** The user has seen everything on a subchannel up to a version, on one device or another. */
export interface Seen {
  readonly subchannel: number;
  readonly version: Version;
}

/** What users have seen, for their other devices. It is a state, not a message: only the newest counts. */
export interface SeenStore {
  /**
   * Keeps that the user has seen a subchannel up to a version. Answers false, and keeps nothing, when it is not beyond what
   * was seen before, or no version that the device can have. The last limits.seenRemembered of a subchannel are remembered,
   * until the channel is removed.
   */
  markSeen(device: DeviceKey, seen: Seen): Promise<boolean>;
  /** How far each subchannel was seen, by its number. */
  seenOf(channel: ChannelKey): Promise<readonly Seen[]>;
}

/** Which messages of the trace. */
export type TraceOf =
  | { readonly project: string }
  | { readonly channel: ChannelKey }
  | { readonly receipts: string };

/** Which part of what waits: all of it, unless said otherwise. */
export interface MissedOf {
  readonly after?: Version | undefined;
  readonly lowest?: Urgency | undefined;
}

export interface Missed {
  readonly kept: readonly Kept[];
  /** True when the queue holds more behind the last one given. */
  readonly more: boolean;
}

/** Which devices with a wake-up transport. `after` is the last one of the page before, null = from the first. */
export type WakeableOf =
  | { readonly channel: ChannelKey }
  | { readonly after: Device | null; readonly limit: number };

/** Channels and devices: kept beside the messages, so that FO2 holds by the order of commits alone. */
export interface DeviceStore {
  /** The channel of (user, app); made at first use (CH1). A removed one becomes live again with the same id, a paused one stays paused. */
  openChannel(user: string, app: AppId): Promise<Channel>;
  /** At once where it is remembered: every message asks for its channel. */
  findChannel(id: ChannelId): Channel | undefined | Promise<Channel | undefined>;
  channelsOf(user: string): Promise<readonly Channel[]>;
  /**
   * Removing also ends the devices, their waiting messages end as `withdrawn`. Answers the devices that left.
   * @throws `channel-invalid` when there is no such channel, or its user was removed.
   */
  setChannelState(channel: ChannelKey, state: ChannelState): Promise<readonly LeftDevice[]>;
  /**
   * Registers a device: it gets every message kept after this settles and none from before (FO2).
   * At limits.devicesPerChannel the longest silent device leaves as with removeDevice; answers it as `evicted`.
   * @throws `channel-invalid` when the channel is unknown or removed, `input-invalid` when the id is taken.
   */
  register(draft: DeviceDraft): Promise<{ readonly device: Device; readonly evicted: DeviceKey | null }>;
  /** By public name; undefined once it left. */
  findDevice(id: string): Promise<Device | undefined>;
  /** The devices that have not left, in the order of their registration. */
  devicesOf(channel: ChannelKey): Promise<readonly Device[]>;
  /**
   * Devices that have a wake-up transport: those of a channel, in the order of their registration; or a page of all of them,
   * by channel and registration.
   */
  wakeable(of: WakeableOf): readonly Device[] | Promise<readonly Device[]>;
  /** Swaps the token of a device, or sets what else it told of itself. @throws `device-unknown` when it left. */
  updateDevice(device: DeviceKey, change: DeviceChange): Promise<void>;
  /** Notes that the device was heard of now; nothing when it left. */
  seen(device: DeviceKey): Promise<void>;
  /** Ends a device: its token is void, what waited for it ends as `withdrawn` (as `expired` when it had expired). */
  removeDevice(device: DeviceKey): Promise<void>;
  /** The devices that left after a moment, the newest `limit` of them, newest first: for who may have missed it. */
  leftAfter(moment: number, limit: number): Promise<readonly FormerDevice[]>;
  /** Ends the devices that came from one sign-in, as removeDevice does. Answers them. */
  removeSignIn(signIn: string): Promise<readonly LeftDevice[]>;
  /**
   * Ends everything of a user: channels are removed and their ids never given again; names of devices are blanked and the
   * channels tell no user any more. In steps when it is much: one that fails midway is done again from where it stood.
   * Answers the devices that left.
   */
  removeUser(user: string): Promise<readonly LeftDevice[]>;
  /** Ends every channel of an app, as setChannelState(…, 'removed') does; in steps, like removeUser. */
  removeApp(app: AppId): Promise<readonly LeftDevice[]>;
}

export interface Store extends MessageStore, MulticastStore, SeenStore, DeviceStore, SubscriptionStore {
  /** Keeps now what waits for others to share its commit. None = nothing ever waits so. */
  hurry?(): void;
  /** Waits for what is under way, then closes. */
  close(): Promise<void>;
}
