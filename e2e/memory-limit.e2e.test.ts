import { expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { pushForm } from '../dev-env/polite-device.ts';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { limits } from '../protocol/limits.ts';

/** Above what a started server needs: some thousand messages that are on their way to a device. */
const ROOM_MIB = 32;
/** Refusals after which the flood ends. */
const REFUSED = 500;
/** What a look every half second, and what is under way, may add to it. */
const SLACK_MIB = 32;
const SUBSCRIPTIONS = 64;
const IDLE = 200;
const SENDERS = 32;
const TEXT = 'x'.repeat(3_900);
/** Bodies above what any door takes of a message. */
const LARGE = new Uint8Array(8 * 1024 * 1024);
const LARGE_SENDERS = 4;

type Frame = Readonly<Record<string, unknown>>;

/** A browser profile with many subscriptions, which acknowledges only when it is told to. */
class Browser {
  readonly got = new Set<string>();
  readonly uaid: Promise<string>;
  readonly #socket: WebSocket;
  readonly #endpoints = new Map<string, (endpoint: string) => void>();
  #changed = Promise.withResolvers<void>();

  constructor(origin: string, acknowledges: boolean, uaid = '') {
    const greeted = Promise.withResolvers<string>();
    this.uaid = greeted.promise;
    this.#socket = new WebSocket(origin.replace('http', 'ws') + AUTOPUSH_PATH);
    this.#socket.onopen = () => this.#say({ messageType: 'hello', uaid, use_webpush: true });
    this.#socket.onmessage = ({ data }) => {
      const { messageType, channelID, version, pushEndpoint, ...rest } = JSON.parse(String(data)) as Frame;
      if (messageType === 'hello') greeted.resolve(String(rest.uaid));
      if (messageType === 'register') this.#endpoints.get(String(channelID))?.(String(pushEndpoint));
      if (messageType !== 'notification' || !acknowledges) return;
      this.got.add(String(version));
      this.#say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
  }

  async subscribe(): Promise<string> {
    await this.uaid;
    const channelID = crypto.randomUUID();
    return await new Promise((resolve) => {
      this.#endpoints.set(channelID, resolve);
      this.#say({ messageType: 'register', channelID });
    });
  }

  async gets(count: number): Promise<void> {
    while (this.got.size < count) await this.#changed.promise;
  }

  end(): void {
    this.#socket.close();
  }

  #say(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
}

test('OL2 a real process at its memory limit refuses early, stays near it, loses nothing and recovers', async () => {
  await using town = await Town.start({ dailyQuota: 0 });
  const limitMiB = Math.ceil((await residentMiB(town.pid)) / limits.memoryPart) + ROOM_MIB;
  await town.stop();
  await town.startAgain(['--memory-limit', String(limitMiB)]);
  const token = await town.accessToken();
  const last = Promise.withResolvers<string>();
  const device = townDevice(town, { onMessage: ({ payload }) => last.resolve(payload) });
  await device.connect();
  const silent = new Browser(town.origin, false);
  const endpoints = await Promise.all(Array.from({ length: SUBSCRIPTIONS }, () => silent.subscribe()));
  const idle = Array.from({ length: IDLE }, () => new Browser(town.origin, false));
  await Promise.all(idle.map(({ uaid }) => uaid));

  let accepted = 0;
  const refused: Response[] = [];
  let peak = 0;
  let over = false;
  const send = async (n: number) => {
    for (let i = n; !over; i += SENDERS) {
      const body = pushForm(TEXT);
      const headers = { TTL: '86400', 'Content-Encoding': 'aes128gcm' };
      const answer = await fetch(endpoints[i % SUBSCRIPTIONS] ?? '', { method: 'POST', body, headers });
      if (answer.status === 201) accepted++;
      else refused.push(answer);
      await answer.arrayBuffer();
    }
  };
  const sendLarge = async () => {
    while (!over) {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const answer = await fetch(`${town.origin}/gcm_for_chrome/v1/messages`, {
        method: 'POST',
        body: LARGE,
        headers,
      });
      expect(answer.status).toBeGreaterThan(400);
      await answer.arrayBuffer();
    }
  };
  const watch = async () => {
    while (refused.length < REFUSED) {
      peak = Math.max(peak, await residentMiB(town.pid));
      await Bun.sleep(50);
    }
    over = true;
  };
  await Promise.all([
    watch(),
    ...Array.from({ length: SENDERS }, (_, n) => send(n)),
    ...Array.from({ length: LARGE_SENDERS }, sendLarge),
  ]);
  console.log(
    `limit ${limitMiB} MiB: accepted ${accepted}, refused ${refused.length}, resident at most ${Math.round(peak)} MiB`,
  );
  for (const { status, headers } of refused)
    expect([status, headers.get('Retry-After')]).toEqual([503, String(limits.overloadedRetrySeconds)]);
  expect(peak).toBeLessThan(limitMiB + SLACK_MIB);

  // What held the memory goes. The service takes messages again.
  const uaid = await silent.uaid;
  for (const browser of [silent, ...idle]) browser.end();
  const message = { channelId: town.seed.channel_id, subchannelId: 0, payload: 'after' };
  const takes = async () => {
    while ((await town.send(token, message)).status !== 204) await Bun.sleep(limits.memoryLookMs);
  };
  await takes();
  expect(await last.promise).toBe('after');
  device.close();

  // All that was accepted is there, and its garbage keeps nobody out.
  const back = new Browser(town.origin, true, uaid);
  await back.gets(accepted);
  back.end();
  await takes();
}, 120_000);
