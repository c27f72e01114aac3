import { backoff } from './backoff.ts';
import type { DeviceCredentials, Timers } from './ports.ts';
import { type Call, pushKey, setTransport } from './service.ts';
import type { KeyValue } from './storage.ts';

/** The part of a browser's `PushSubscription` that is used. */
export interface Subscription {
  toJSON(): { readonly endpoint?: string; readonly keys?: Record<string, string> };
  unsubscribe(): Promise<boolean>;
}

/** The part of a worker's `PushManager` that is used (Push API, section 5). */
export interface PushManagerPart {
  getSubscription(): Promise<Subscription | null>;
  subscribe(options: { userVisibleOnly: boolean; applicationServerKey: string }): Promise<Subscription>;
}

export interface PushTransportPorts {
  readonly call: Call;
  readonly storage: KeyValue;
  readonly timers: Timers;
  /** The device of this profile, as it is stored. */
  readonly device: () => Promise<DeviceCredentials | undefined>;
  /** Settles once the worker is active: before, nobody can subscribe. */
  readonly manager: () => Promise<PushManagerPart>;
  /** False where the browser lets pushes come unseen. */
  readonly userVisibleOnly: boolean;
  /** Hears, after each look, whether pushes wake this device. */
  readonly onLook: (wakes: boolean) => void;
  readonly note: (line: string) => void;
}

/** This profile's push subscription, and that the service knows it. */
export interface PushTransport {
  /**
   * Compares the subscription with what the service was told and mends what differs. Called at each start, because a
   * browser takes a subscription away without telling, and after each registration. Never rejects; in a browser that shows
   * no window yet it does not settle before one is there, so nothing may wait for it.
   */
  look(): Promise<void>;
  /** Pushes wake this device, as far as the last look knows. */
  wakes(): boolean;
}

/** What the service was told, of which device and when. */
interface Told {
  readonly deviceId: string;
  readonly endpoint: string | undefined;
  readonly since: number;
}

export const toldKey = 'reveille.transport';
/** The service takes away what its own push failed with; told again each day, a mistake of either side heals. */
export const toldMs = 86_400_000;
const restMs = 30_000;
const restMsMax = 3_600_000;

export function createPushTransport(ports: PushTransportPorts): PushTransport {
  const { call, storage, timers, note } = ports;
  let wakes = false;
  let tries = 0;
  let restsUntil = 0;
  let looking: Promise<void> | undefined;
  let again = false;

  /** Subscribes for this device alone and tells the service. */
  const mend = async (device: DeviceCredentials, manager: PushManagerPart, told?: Told): Promise<void> => {
    const { userVisibleOnly } = ports;
    const options = { userVisibleOnly, applicationServerKey: await pushKey(call) };
    // Whoever else was registered here must not be heard through it: a push does not say whose it is.
    if (told?.deviceId !== device.deviceId) await (await manager.getSubscription())?.unsubscribe();
    const { endpoint = '', keys } = (await manager.subscribe(options)).toJSON();
    await setTransport(call, device, { kind: 'push', endpoint, ...keys });
    await storage.set(toldKey, { deviceId: device.deviceId, endpoint, since: timers.now() });
  };

  const once = async (): Promise<void> => {
    const device = await ports.device();
    if (device === undefined || timers.now() < restsUntil) return;
    const manager = await ports.manager();
    const told = (await storage.get(toldKey)) as Told | undefined;
    const endpoint = (await manager.getSubscription())?.toJSON().endpoint;
    wakes = endpoint !== undefined && told?.endpoint === endpoint && told.deviceId === device.deviceId;
    ports.onLook(wakes);
    if (wakes && Math.abs(timers.now() - (told?.since ?? 0)) < toldMs) return;
    await mend(device, manager, told);
    tries = 0;
    wakes = true;
    ports.onLook(true);
  };

  const look = async (): Promise<void> => {
    // A registration may come while an earlier look is under way: that one may not have seen it.
    do {
      again = false;
      try {
        await once();
      } catch (error) {
        restsUntil = timers.now() + backoff(++tries, restMs, restMsMax);
        note(`No push: ${error}`);
      }
    } while (again);
    looking = undefined;
  };

  return {
    wakes: () => wakes,
    look() {
      again = true;
      looking ??= look();
      return looking;
    },
  };
}
