import { registerDevices } from '../bench/idle-servers.ts';
import { Device } from '../client/device.ts';
import type { Town } from '../dev-env/town.ts';
import { BrowserLine } from './browser-line.ts';

/** Channels, each with one device; the last ones are away by turns. */
const CHANNELS = 40;
const SUBCHANNELS = 4;
/** Of so many requests one is a multicast to so many channels, and so many are pushes to a browser; the rest are single messages. */
const REQUESTS = 30;
const MULTICAST_CHANNELS = 8;
const PUSHES = 2;
const TICK_MS = 100;
/** One device goes this often, and comes back after as long; a browser's subscription is ended and made as often. */
const RECONNECT_MS = 2_000;
/** Until five minutes before its end a refresh answers the same token. */
const TOKEN_MS = 4 * 60_000;
const PAGE_MS = 5_000;
/** What has not arrived by then is lost. */
const ARRIVE_MS = 60_000;
/** One run in so many fails, and its message comes again. */
const FAILING_RUN = 500;
const PAGES = ['/', '/docs', '/console', '/accounts/sign-in', '/v2/openapi.json', '/console/no-such-page'];

type Registered = Awaited<ReturnType<typeof registerDevices>>[number];

/** What a load did so far. */
export interface LoadCounts {
  accepted: number;
  handled: number;
  pushes: number;
  acknowledged: number;
  multicasts: number;
  reconnects: number;
  refusedRightly: number;
  failed: number;
}

/** A steady, mixed load on a real server: sends, multicasts, pushes, confirms, failing handlers, reconnects, pages, wrong tokens. */
export class SoakLoad {
  readonly counts: LoadCounts = {
    accepted: 0,
    handled: 0,
    pushes: 0,
    acknowledged: 0,
    multicasts: 0,
    reconnects: 0,
    refusedRightly: 0,
    failed: 0,
  };
  readonly #town: Town;
  readonly #registered: readonly Registered[];
  readonly #browser: BrowserLine;
  readonly #devices: Device[] = [];
  /** By channel and subchannel: the newest that was accepted, and the newest that a handler saw. */
  readonly #accepted = new Map<string, number>();
  readonly #handled = new Map<string, number>();
  /** What went wrong, the first of it. */
  readonly complaints: string[] = [];
  #token = '';
  /** All handlers are well: what failed before must come now. */
  #ending = false;
  #request = 0;
  #turn = 0;

  private constructor(town: Town, registered: readonly Registered[], browser: BrowserLine) {
    this.#town = town;
    this.#registered = registered;
    this.#browser = browser;
  }

  static async start(town: Town): Promise<SoakLoad> {
    const registered = await registerDevices(town, CHANNELS);
    const load = new SoakLoad(town, registered, await BrowserLine.open(town.origin));
    load.#token = await town.accessToken();
    for (const [place] of registered.entries()) await load.#connect(place);
    return load;
  }

  /** Runs at `perSecond` messages until the time is up. */
  async run(perSecond: number, untilMs: number): Promise<void> {
    const began = Date.now();
    const every = (ms: number, work: () => Promise<void>) => {
      const timer = setInterval(() => void work().catch((error) => this.#fail(String(error))), ms);
      return () => clearInterval(timer);
    };
    const stops = [
      every(RECONNECT_MS, () => this.#reconnect()),
      every(RECONNECT_MS, async () => void (await this.#browser.renew())),
      every(PAGE_MS, () => this.#look()),
      every(TOKEN_MS, async () => {
        this.#token = await this.#town.accessToken();
      }),
    ];
    const perTick = (perSecond * TICK_MS) / 1_000;
    for (let due = 0, done = 0; Date.now() < untilMs; await Bun.sleep(TICK_MS)) {
      due = ((Date.now() - began) / TICK_MS) * perTick;
      done += await this.#send(Math.floor(due - done));
    }
    for (const stop of stops) stop();
  }

  /** Messages whose subchannel never came as far, and pushes that never came. */
  get lost(): number {
    const behind = [...this.#accepted].filter(
      ([place, version]) => (this.#handled.get(place) ?? 0) < version,
    );
    return behind.length + this.#browser.waiting;
  }

  close(): void {
    for (const device of this.#devices) device.close();
    this.#browser.close();
  }

  async #send(count: number): Promise<number> {
    const work: Promise<void>[] = [];
    let sent = 0;
    while (sent < count) {
      const kind = this.#request++ % REQUESTS;
      if (kind === 0) work.push(this.#multicast());
      else if (kind % (REQUESTS / PUSHES) === 1) work.push(this.#push());
      else work.push(this.#post());
      sent += kind === 0 ? MULTICAST_CHANNELS : 1;
    }
    await Promise.all(work.map((one) => one.catch((error) => this.#fail(String(error)))));
    return sent;
  }

  async #post(): Promise<void> {
    const turn = this.#turn++;
    const subchannelId = turn % SUBCHANNELS;
    const { channelId = '' } = this.#registered[(turn >> 2) % CHANNELS] ?? {};
    const answer = await this.#town.send(this.#token, {
      channelId,
      subchannelId,
      payload: `${turn} `.padEnd(64, '.'),
    });
    if (answer.status !== 204) return this.#fail(`send: ${answer.status} ${await answer.text()}`);
    this.#note(this.#accepted, channelId, subchannelId, Number(answer.headers.get('Reveille-Message')));
    this.counts.accepted++;
  }

  async #multicast(): Promise<void> {
    const turn = this.#turn++;
    const from = turn % CHANNELS;
    const channels = Array.from(
      { length: MULTICAST_CHANNELS },
      (_, at) => this.#registered[(from + at) % CHANNELS]?.channelId ?? '',
    );
    const subchannel = turn % SUBCHANNELS;
    const body = { channels, subchannel, payload: `to many ${turn}`, ttl: 600 };
    const answer = await this.#town.fetch('/v2/messages', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` },
      body: JSON.stringify(body),
    });
    if (!answer.ok) return this.#fail(`multicast: ${answer.status} ${await answer.text()}`);
    const { targets } = (await answer.json()) as { targets: { channelId: string; version?: number }[] };
    for (const { channelId, version = 0 } of targets)
      this.#note(this.#accepted, channelId, subchannel, version);
    this.counts.accepted += targets.length;
    this.counts.multicasts++;
  }

  async #push(): Promise<void> {
    const status = await this.#browser.push();
    if (status !== 201) return this.#fail(`push: ${status}`);
    this.counts.accepted++;
    this.counts.pushes++;
    this.counts.acknowledged = this.#browser.acknowledged;
  }

  /** One device goes; the one that went before comes back to what waits for it. */
  async #reconnect(): Promise<void> {
    const place = this.counts.reconnects++ % CHANNELS;
    this.#devices[place]?.close();
    const before = (place + CHANNELS - 1) % CHANNELS;
    if (this.counts.reconnects > 1) await this.#connect(before);
  }

  /** Pages of all kinds, and a sender with a wrong token. */
  async #look(): Promise<void> {
    for (const path of PAGES) {
      const { status } = await this.#town.fetch(path, { headers: { Cookie: this.#town.seed.cookie } });
      if (status >= 500) this.#fail(`${path}: ${status}`);
    }
    const { channelId = '' } = this.#registered[0] ?? {};
    const answer = await this.#town.send(`${this.#token.slice(0, -4)}AAAA`, { channelId, payload: '' });
    if (answer.status === 401) this.counts.refusedRightly++;
    else this.#fail(`a wrong token: ${answer.status}`);
  }

  async #connect(place: number): Promise<void> {
    const { device, channelId = '' } = this.#registered[place] ?? {};
    const connecting = new Device({
      origin: this.#town.origin,
      credentials: { deviceId: device ?? '', deviceToken: `token-${place}`, channelId },
      onMessage: ({ subchannelId, version }) => {
        if (!this.#ending && Math.random() < 1 / FAILING_RUN) throw new Error('the handler failed');
        this.counts.handled++;
        this.#note(this.#handled, channelId, subchannelId, version);
      },
    });
    this.#devices[place] = connecting;
    await connecting.connect();
  }

  #note(newest: Map<string, number>, channel: string, subchannel: number, version: number): void {
    const place = `${channel} ${subchannel}`;
    newest.set(place, Math.max(newest.get(place) ?? 0, version));
  }

  /** Everyone comes, and all that waits must arrive: a run that failed comes again at once then. */
  async settle(): Promise<void> {
    this.#ending = true;
    for (const [place] of this.#registered.entries()) {
      this.#devices[place]?.close();
      await this.#connect(place);
    }
    for (const end = Date.now() + ARRIVE_MS; this.lost > 0 && Date.now() < end; ) await Bun.sleep(200);
    this.counts.acknowledged = this.#browser.acknowledged;
  }

  #fail(what: string): void {
    this.counts.failed++;
    if (this.complaints.length < 10) this.complaints.push(what);
  }
}
