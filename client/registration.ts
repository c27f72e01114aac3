import type { DeviceCredentials, MarkStore, Marks, Timers } from './ports.ts';
import { type Call, type RegistrationBody, register } from './service.ts';
import type { KeyValue } from './storage.ts';

export interface RegistrationPorts {
  readonly origin: string;
  readonly call: Call;
  readonly storage: KeyValue;
  readonly timers: Timers;
  /** Answers an access token; throws an Error with a sentence for the reader. */
  readonly signIn: (interactive: boolean) => Promise<string>;
  /** One at a time in the whole profile, worker and pages together: one profile is one device. */
  readonly alone: <T>(run: () => Promise<T>) => Promise<T>;
  /** Hears that a device was registered or renewed here. */
  readonly registered: () => void;
}

/** A registered device as it is stored, with the service that it belongs to. */
interface StoredDevice extends DeviceCredentials {
  /** What the browser may open when the app is removed. Devices of earlier services have none. */
  readonly uninstallUrl?: string;
  readonly origin: string;
  /** When it was registered or renewed, milliseconds since 1970. */
  readonly since: number;
}

/** This profile's device: stored, registered, renewed, forgotten. */
export interface Registration {
  /** The stored device, whether the service still knows it or not. */
  stored(): Promise<StoredDevice | undefined>;
  /** What getChannelId answers: from the profile, or after registering its device (FO2: the device is kept by then). */
  channelId(interactive: boolean): Promise<string>;
  /** Signs in and registers, unless a call that was queued before did. */
  ensure(interactive: boolean): Promise<DeviceCredentials>;
  /** The service does not know these credentials: the next getChannelId must not repeat what they said. */
  forget(device: DeviceCredentials): Promise<void>;
  /** Marks of the stored device's channel: those of another user's channel mean nothing for it. */
  readonly marks: MarkStore;
}

/** Reference 2.2: a channel id is answered from the profile for 30 days before the service is asked again. */
export const trustMs = 30 * 86_400_000;
/** `getChannelId(false)` has called back by then. */
export const silentMs = 60_000;

export const deviceKey = 'reveille.device';
export const marksKey = 'reveille.marks';

/** The part of a stored device that renews it. */
const held = (device: StoredDevice | undefined): RegistrationBody =>
  device === undefined ? {} : { deviceId: device.deviceId, deviceToken: device.deviceToken };

/** The marks of a channel: of another user's they say nothing. */
export async function keptMarks(storage: KeyValue, channelId: string | undefined): Promise<Marks> {
  const kept = (await storage.get(marksKey)) as { channelId?: string; marks: Marks } | undefined;
  return kept?.channelId === channelId ? (kept?.marks ?? {}) : {};
}

export function createRegistration(ports: RegistrationPorts): Registration {
  const { origin, storage, timers } = ports;

  const stored = async (): Promise<StoredDevice | undefined> => {
    const device = (await storage.get(deviceKey)) as StoredDevice | null | undefined;
    return device?.origin === origin ? device : undefined;
  };

  const trusted = (device: StoredDevice | undefined): device is StoredDevice =>
    device !== undefined && Math.abs(timers.now() - device.since) < trustMs;

  const ensure = (interactive: boolean): Promise<DeviceCredentials> =>
    ports.alone(async () => {
      const earlier = await stored();
      if (trusted(earlier)) return earlier;
      const token = await ports.signIn(interactive);
      const device = await register(ports.call, token, held(earlier));
      await storage.set(deviceKey, { ...device, origin, since: timers.now() });
      ports.registered();
      return device;
    });

  const inTime = <T>(found: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const slow = `The push service at ${origin} did not answer within a minute. Try again.`;
      found.then(resolve, reject).finally(timers.after(silentMs, () => reject(new Error(slow))));
    });

  return {
    stored,
    ensure,
    async channelId(interactive) {
      const device = await stored();
      if (trusted(device)) return device.channelId;
      // No limit while a window is open: the user may take her time.
      return (await (interactive ? ensure(true) : inTime(ensure(false)))).channelId;
    },
    async forget(device) {
      // Another context of the profile may have registered anew in the meantime.
      if ((await stored())?.deviceToken === device.deviceToken) await storage.set(deviceKey, null);
    },
    marks: {
      load: async () => keptMarks(storage, (await stored())?.channelId),
      async save(marks) {
        await storage.set(marksKey, { channelId: (await stored())?.channelId, marks });
      },
    },
  };
}
