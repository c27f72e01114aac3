import { limits } from '../../protocol/limits.ts';
import type { DeviceKey } from './keys.ts';

/** How a connection ended: when (milliseconds since 1970), at which gateway, and the close as the gateway names it. */
export interface EndedConnection {
  readonly at: number;
  readonly gateway: string;
  readonly reason: string;
}

/** What a node knows of the connection of a device. Times are milliseconds since 1970. */
export interface DeviceConnection {
  readonly current:
    | { readonly gateway: string; readonly since: number; readonly heardAt: number }
    | undefined;
  /** The last one that ended since this node started, if it is remembered. */
  readonly ended: EndedConnection | undefined;
}

/** How connections ended lately, of the limits.endingsRemembered devices whose ending is the most recent. */
export class RecentEndings {
  readonly #byDevice = new Map<DeviceKey, EndedConnection>();

  note(device: DeviceKey, ended: EndedConnection): void {
    // Deleted first, so that the order of the map is the order of the endings.
    this.#byDevice.delete(device);
    this.#byDevice.set(device, ended);
    if (this.#byDevice.size <= limits.endingsRemembered) return;
    const [oldest] = this.#byDevice.keys();
    if (oldest !== undefined) this.#byDevice.delete(oldest);
  }

  of(device: DeviceKey): EndedConnection | undefined {
    return this.#byDevice.get(device);
  }
}
