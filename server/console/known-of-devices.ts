import type { Version } from '../../protocol/version.ts';
import type { DeviceConnection } from '../core/connection.ts';
import type { Pending } from '../core/pending.ts';
import type { Device, Missed } from '../core/store.ts';
import type { FailedWake } from '../core/wake.ts';
import type { PushRest } from '../core/waker.ts';

/** What pages ask of devices: connected or not, what waits for them, how they were woken. */
export interface KnownOfDevices {
  /** Versions that were offered to the device and have not ended: `Outbox.offered` of its connection. */
  readonly offeredTo: (deviceId: string) => Promise<readonly Version[]>;
  /** `Deliveries.connectionOf`. */
  readonly connectionOf: (device: Device) => DeviceConnection;
  /** `Outbox.standing` of the connection of the device. */
  readonly standingOf: (device: Device, version: Version) => Readonly<Pending> | undefined;
  /** Whether and how long the push service of the device rests. */
  readonly restOf: (device: Device) => PushRest | undefined;
  /** `Deliveries.waitingFor`. */
  readonly waitingFor: (device: Device) => Promise<Missed>;
  /** `Wakes.spentBy`. */
  readonly wakesSpentBy: (device: Device) => number;
  /** `Wakes.failureOf`. */
  readonly failedWakeOf: (device: Device) => FailedWake | undefined;
}
