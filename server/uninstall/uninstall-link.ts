import type { Secrets } from '../config/secrets.ts';

const PURPOSE = 'uninstall';
const PATH = /^\/uninstalled\/([\w-]{1,64})\/([\w-]{43})$/;

/**
 * The address that a browser opens when an app that asked for it was removed (`chrome.runtime.setUninstallURL`). It can end
 * that one device and nothing else, needs no sign-in, and is not kept: its token is a MAC of the device's id.
 */
export class UninstallLinks {
  readonly #secrets: Pick<Secrets, 'mac' | 'verifyMac'>;
  readonly #origin: string;

  constructor(secrets: Pick<Secrets, 'mac' | 'verifyMac'>, origin: string) {
    this.#secrets = secrets;
    this.#origin = origin;
  }

  of(deviceId: string): string {
    const token = this.#secrets.mac(PURPOSE, deviceId).toString('base64url');
    return `${this.#origin}/uninstalled/${deviceId}/${token}`;
  }

  /** The device that a path may end; undefined for one that we did not make. In constant time for each token. */
  deviceOf(path: string): string | undefined {
    const [, id, token] = PATH.exec(path) ?? [];
    if (id === undefined || token === undefined) return undefined;
    return this.#secrets.verifyMac(PURPOSE, id, Buffer.from(token, 'base64url')) ? id : undefined;
  }
}
