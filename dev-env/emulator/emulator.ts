import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { isChannelId } from '../../protocol/channel-id.ts';
import { openControlDatabase } from '../../server/accounts/open-database.ts';
import { type Config, ConfigError, decideConfig, isLoopback } from '../../server/config/config.ts';
import { Ring } from '../../server/config/secrets.ts';
import type { Random } from '../../server/core/clock.ts';
import { CHANNEL_SCOPE } from '../../server/core/sender.ts';
import type { MessageTrace } from '../../server/core/store.ts';
import type { World } from '../../server/foundation.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { MemoryStore } from '../../server/stores/memory.ts';
import type { Seed } from '../town.ts';
import { type Emulated, type EmulatedTown, type EmulatedUser, emulatorDoor } from './emulator-door.ts';
import { OuterDoor } from './outer-door.ts';
import { seededBytes, seededKeyPairs, seededPushKey } from './seeded.ts';
import { TurnedClock } from './turned-clock.ts';

export interface EmulatorOptions {
  /** A name or address of this machine. */
  readonly host?: string;
  /** 0 = a free one. */
  readonly port?: number;
  /** Any text: the same one makes the same ids, keys and tokens. */
  readonly seed?: string;
  /** Milliseconds since 1970 at which the clock stands at first. */
  readonly now?: number;
  readonly logLevel?: string;
  /** As the setting of the server. */
  readonly otlpEndpoint?: string;
}

/** What the clock says at first: nothing depends on the day on which a test runs. */
const FIRST_MOMENT = Date.parse('2026-01-01T00:00:00Z');

/**
 * The whole service for tests: everything in memory, a clock that stands still until it is moved, and a demo town that the
 * seed decides. What it answers at `/emulator` is in `emulator-door.ts`; a server has nothing of it.
 */
export class Emulator implements Emulated, AsyncDisposable {
  readonly #config: Config;
  readonly #options: EmulatorOptions;
  readonly #door: OuterDoor;
  #clock = new TurnedClock();
  #store: MemoryStore | undefined;
  #random: Random = seededBytes('');
  #running: RunningServer | undefined;
  #town: EmulatedTown | undefined;
  #users = 0;
  /** Changes of the whole come one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: EmulatorOptions) {
    const { host = '127.0.0.1', port = 8030, logLevel = 'warn', otlpEndpoint } = options;
    if (!isLoopback(host))
      throw new ConfigError(
        `The emulator listens on loopback only, not on ${host}: whoever reaches it may do everything.`,
      );
    // Only packages that are uploaded to the store are ever written there.
    const data = join(tmpdir(), `reveille-emulator-${randomUUID()}`);
    this.#config = decideConfig({
      ...{ host, port: String(port), data, logLevel },
      ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
    });
    this.#options = options;
    this.#door = new OuterDoor(emulatorDoor(this));
  }

  /** @throws ConfigError for a host that others reach, Error when the port is taken. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const emulator = new Emulator(options);
    await emulator.#door.while(emulator.#build());
    return emulator;
  }

  get origin(): string {
    return this.town.origin;
  }

  get town(): EmulatedTown {
    if (this.#town === undefined) throw new Error('the emulator is not open');
    return this.#town;
  }

  get now(): number {
    return this.#clock.now();
  }

  moveTo(time: number): Promise<void> {
    return this.#inTurn(() => this.#clock.moveTo(time));
  }

  reset(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#door.while(this.#stop().then(() => this.#build()));
    });
  }

  messages(): readonly MessageTrace[] {
    return this.#store?.all() ?? [];
  }

  forgetMessages(): Promise<void> {
    return this.#inTurn(async () => {
      for (const { version } of this.messages()) await this.#within.core.pushes.withdraw(version);
      this.#store?.forget();
    });
  }

  addUser(): Promise<EmulatedUser> {
    return this.#inTurn(async () => {
      const { core, rooms } = this.#within;
      const email = `user${++this.#users}@reveille.example`;
      const password = Buffer.from(this.#random(15)).toString('base64url');
      const account = await rooms.accounts.create(email, password, `User ${this.#users}`);
      const app = this.#app;
      const { id } = await core.receiving.open(account.id, app);
      const receiver_token = await this.#receiverToken(account.id, app);
      return { account: { email, password }, channel_id: id, receiver_token };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#door.close();
  }

  get #within(): RunningServer['within'] {
    if (this.#running === undefined) throw new Error('the emulator is not open');
    return this.#running.within;
  }

  get #app(): AppId {
    const { id } = this.town.app;
    if (!isAppId(id)) throw new Error('the app of the town has no id of an app');
    return id;
  }

  async #build(): Promise<void> {
    const { seed = 'reveille', now = FIRST_MOMENT } = this.#options;
    this.#clock = new TurnedClock(now);
    this.#random = seededBytes(seed);
    this.#users = 0;
    this.#running = await startServer(this.#config, {
      clock: this.#clock,
      random: this.#random,
      listen: this.#door.listen,
      makeKeyPair: seededKeyPairs(this.#random),
      keeping: (_config, world, closing) => this.#openMemory(world, closing),
    });
    this.#town = await this.#seedTown(this.#running);
  }

  async #openMemory(world: World, closing: (() => unknown)[]) {
    const control = await openControlDatabase(':memory:');
    closing.push(() => control.close());
    const store = new MemoryStore(world);
    closing.push(() => store.close());
    this.#store = store;
    return {
      secrets: new Ring([Buffer.from(this.#random(32))]),
      db: control.db,
      store,
      pushKey: seededPushKey(this.#random),
      operatorToken: Buffer.from(this.#random(32)).toString('base64url'),
    };
  }

  /** The town is what bootstrap makes, and two tokens. */
  async #seedTown({ origin, within }: RunningServer): Promise<EmulatedTown> {
    const headers = { 'Content-Type': 'application/json' };
    const bootstrap = new Request(`${origin}/v2/bootstrap`, { method: 'POST', headers, body: '{}' });
    const answer = await this.#door.call(bootstrap);
    if (!answer.ok) throw new Error(`bootstrap: ${answer.status} ${await answer.text()}`);
    const seed = (await answer.json()) as Seed;
    const { grants } = within.rooms.oauth;
    const refresh = await grants.findRefresh(seed.refresh_token, seed.client.client_id);
    const { accessToken } = await grants.issue(refresh);
    if (!isAppId(seed.app.id) || !isChannelId(seed.channel_id)) throw new Error('bootstrap made no channel');
    const receiver_token = await this.#receiverToken(refresh.account, seed.app.id);
    return { ...seed, access_token: accessToken, receiver_token };
  }

  /** As the app has it after signing in. */
  async #receiverToken(account: string, app: AppId): Promise<string> {
    const { grants } = this.#within.rooms.oauth;
    const { refreshToken } = await grants.issueFor({ account, client: app, scope: CHANNEL_SCOPE });
    return (await grants.issue(await grants.findRefresh(refreshToken, app))).accessToken;
  }

  async #stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
    await rm(this.#config.dataFolder, { recursive: true, force: true });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return await done;
  }
}
