import type { DeviceCredentials, Offer } from '../client/ports.ts';
import { acknowledge, createCall, missed, pushKey, register, setTransport } from '../client/service.ts';
import { PushKeys } from '../dev-env/push-crypto.ts';
import type { Town } from '../dev-env/town.ts';
import { signInToTown } from '../dev-env/town-device.ts';
import { Newest } from './message-load.ts';
import { ReturningMcs } from './returning-clients.ts';

/**
 * An app that never connects: a push through its browser's MCS starts it, it handles what that brought, fetches what else
 * waits, and confirms over HTTP. A call that a killed server does not answer is not said again: the next push starts it anew.
 */
export class WokenApp {
  readonly handled = new Newest();
  readonly #call: ReturnType<typeof createCall>;
  readonly #device: DeviceCredentials;
  readonly #keys: PushKeys;
  readonly #browser: ReturningMcs;
  #work: Promise<void> = Promise.resolve();

  private constructor(
    call: ReturnType<typeof createCall>,
    device: DeviceCredentials,
    keys: PushKeys,
    browser: ReturningMcs,
  ) {
    this.#call = call;
    this.#device = device;
    this.#keys = keys;
    this.#browser = browser;
    browser.onPush = (body) => {
      this.#work = this.#work.then(() => this.#run(body)).catch(() => {});
    };
  }

  static async start(town: Town, name: string): Promise<WokenApp> {
    const call = createCall(town.origin, fetch);
    const device = await register(call, await signInToTown(town), { name });
    const keys = PushKeys.make();
    const browser = new ReturningMcs(town, await pushKey(call));
    const app = new WokenApp(call, device, keys, browser);
    // As Chromium hands it out.
    const endpoint = (await browser.endpoint).replace(town.origin, 'https://fcm.googleapis.com');
    await setTransport(call, device, { kind: 'push', endpoint, ...keys.json });
    return app;
  }

  close(): void {
    this.#browser.close();
  }

  async #run(body: string): Promise<void> {
    const text = this.#keys.decrypt(Buffer.from(body, 'base64url'), { encoding: 'aes128gcm' });
    await this.#handle(JSON.parse(text));
    for (const offer of await missed(this.#call, this.#device)) await this.#handle(offer);
  }

  async #handle({ version, subchannelId }: Offer): Promise<void> {
    if (version < this.handled.of(subchannelId)) return;
    this.handled.note(subchannelId, version);
    await acknowledge(this.#call, this.#device, { version, outcome: 'handled' });
  }
}
