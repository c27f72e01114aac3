import type { DeviceCredentials, Timers } from '../ports.ts';
import { toldMs } from '../push-transport.ts';
import { type Call, pushKey, setTransport } from '../service.ts';
import type { KeyValue } from '../storage.ts';

const transportKey = 'reveille.transport';

/** What the service was last told: whose subscription it is, where it leads, and when, in milliseconds since 1970. */
interface Told {
  readonly deviceId: string;
  readonly endpoint: string;
  readonly since: number;
}

/** This browser's push subscription as the transport of the profile's device. */
export interface Subscription {
  /** True when the service has been told of this device's subscription; asks nobody. */
  holds(device: DeviceCredentials): Promise<boolean>;
  /**
   * Subscribes as far as that is not done, and tells the service. A subscription that served another device (another user,
   * perhaps) is ended first, so that nobody gets pushes that were meant for another.
   * @throws DOMException when the browser refuses, ServiceError.
   */
  attach(manager: PushManager, device: DeviceCredentials): Promise<void>;
}

export function createSubscription(call: Call, storage: KeyValue, timers: Pick<Timers, 'now'>): Subscription {
  const told = async (): Promise<Told | undefined> => (await storage.get(transportKey)) as Told | undefined;

  return {
    holds: async ({ deviceId }) => (await told())?.deviceId === deviceId,
    async attach(manager, device) {
      const { deviceId } = device;
      const key = await pushKey(call);
      const last = await told();
      const earlier = await manager.getSubscription();
      const usable = earlier !== null && keyOf(earlier) === key && last?.deviceId === deviceId;
      if (!usable) await earlier?.unsubscribe();
      const { endpoint = '', keys } = (
        usable ? earlier : await manager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
      ).toJSON();
      if (usable && last.endpoint === endpoint && Math.abs(timers.now() - last.since) < toldMs) return;
      await setTransport(call, device, { kind: 'push', endpoint, ...keys });
      await storage.set(transportKey, { deviceId, endpoint, since: timers.now() } satisfies Told);
    },
  };
}

/** The key that a subscription was made with, as the service tells its own: base64url without padding. */
function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
