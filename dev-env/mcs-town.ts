import { createHmac } from 'node:crypto';
import type { Certified } from '../server/config/certificates.ts';
import { issueCertificate, makeAuthority } from '../server/config/certificates.ts';
import { seededRandom } from '../server/core/manual-clock.ts';
import type { Store } from '../server/core/store.ts';
import { DeviceKeys, type MacRing } from '../server/gateways/mcs/device-keys.ts';
import { type McsRoom, openMcs } from '../server/gateways/mcs/room.ts';
import { type Events, silentEvents } from '../server/observe/events.ts';
import { McsClient } from './mcs-client.ts';
import { PushTown } from './push-town.ts';

/** A ring of keys without its file; the first one makes. */
export function macRing(...keys: readonly string[]): MacRing {
  return {
    macs: (purpose, data) =>
      keys.map((key) => createHmac('sha256', key).update(`${purpose}\0${data}`).digest()),
  };
}

export interface McsTownOptions {
  /** A town whose store goes on in this one: a restart. */
  readonly store?: Store;
  readonly events?: Partial<Events>;
  readonly heartbeatMs?: number;
  /** 0, a free one, when left out. */
  readonly port?: number;
  readonly keys?: MacRing;
  readonly load?: { readonly tight: boolean };
}

let authority: Promise<Certified> | undefined;

/** The Chromium gateway on the real core: real TLS, a store in memory, a clock that tests turn. */
export class McsTown implements AsyncDisposable {
  readonly pushes: PushTown;
  readonly room: McsRoom;
  readonly keys: DeviceKeys;
  readonly #ca: string;

  private constructor(pushes: PushTown, room: McsRoom, keys: DeviceKeys, ca: string) {
    this.pushes = pushes;
    this.room = room;
    this.keys = keys;
    this.#ca = ca;
  }

  static async start(options: McsTownOptions = {}): Promise<McsTown> {
    authority ??= makeAuthority(new Date());
    const { cert, key } = await authority;
    const { store, events = {} } = options;
    const town = new PushTown({ events, ...(store && { store: () => store }) });
    const secrets = options.keys ?? macRing('the key of this town');
    const random = seededRandom(5_228);
    const room = openMcs({
      clock: town.clock,
      store: town.store,
      holdings: town.holdings,
      pushes: town.pushes,
      events: { ...silentEvents, ...events },
      secrets,
      random,
      origin: town.origin,
      hostname: '127.0.0.1',
      port: options.port ?? 0,
      ...(options.load && { load: options.load }),
      heartbeatMs: options.heartbeatMs ?? 240_000,
      certificate: await issueCertificate({ cert, key }, ['127.0.0.1'], new Date()),
    });
    return new McsTown(town, room, new DeviceKeys(secrets, random), cert);
  }

  connect(): Promise<McsClient> {
    return McsClient.connect(this.room.port ?? 0, this.#ca);
  }

  /** A device with good credentials, in decimal. */
  device(): { readonly id: string; readonly token: string; readonly holder: string } {
    const { id, token } = this.keys.create();
    return { id: String(id), token: String(token), holder: `mcs:${id}` };
  }

  /** Posts to one of the two doors, as Chromium does. */
  async post(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    const door = this.room.doors.find(([at]) => at === path)?.[1];
    if (door === undefined) throw new Error(`no door at ${path}`);
    const url = `${this.pushes.origin}${path}`;
    const request = new Request(url, { method: 'POST', body, headers });
    return await door(request, new URL(url), { address: '127.0.0.1' });
  }

  /** Sends a push without a topic, and with a text as its body. */
  async push(token: string, text: string, topic: string | null = null): Promise<number> {
    const target = await this.pushes.pushes.open(token);
    const kept = await this.pushes.pushes.accept(target, {
      body: Buffer.from(text),
      headers: text === '' ? null : { encoding: 'aes128gcm' },
      ttl: 600,
      topic,
      urgency: 'normal',
      receipts: null,
    });
    return kept.version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room.drain();
    await this.pushes[Symbol.asyncDispose]();
  }
}
