import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PushKeys, SenderKeys } from '../dev-env/push-crypto.ts';
import { Town } from '../dev-env/town.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { issueCertificate, makeAuthority } from '../server/config/certificates.ts';
import type { PushHeaders } from '../server/core/store.ts';

/** What a sender is given: on Node, as its own process, trusting the authority as an operator would let it. */
interface Order {
  readonly subscription: {
    readonly endpoint: string;
    readonly keys: { readonly p256dh: string; readonly auth: string };
  };
  readonly publicKey: string;
  readonly privateKey: string;
  readonly jwk: Readonly<Record<string, string>>;
  readonly text: string;
}

const webPush = (encoding: string) => `
import webPush from 'web-push';
const vapidDetails = { subject: 'mailto:sender@example.com', publicKey: order.publicKey, privateKey: order.privateKey };
const options = { TTL: 60, vapidDetails, contentEncoding: '${encoding}' };
const sent = await webPush.sendNotification(order.subscription, order.text, options);
told(sent.statusCode);`;

/** Each library as its readme shows it. */
const senders: Readonly<Record<string, string>> = {
  'web-push with aes128gcm': webPush('aes128gcm'),
  'web-push with aesgcm': webPush('aesgcm'),
  '@block65/webcrypto-web-push': `
import { buildPushPayload } from '@block65/webcrypto-web-push';
const vapid = { subject: 'mailto:sender@example.com', publicKey: order.publicKey, privateKey: order.privateKey };
const subscription = { ...order.subscription, expirationTime: null };
const payload = await buildPushPayload({ data: order.text, options: { ttl: 60 } }, subscription, vapid);
told((await fetch(order.subscription.endpoint, payload)).status);`,
  '@pushforge/builder': `
import { buildPushHTTPRequest } from '@pushforge/builder';
const message = { payload: order.text, options: { ttl: 60 }, adminContact: 'mailto:sender@example.com' };
const { privateJWK, subscription } = { privateJWK: order.jwk, subscription: order.subscription };
const { endpoint, headers, body } = await buildPushHTTPRequest({ privateJWK, message, subscription });
told((await fetch(endpoint, { method: 'POST', headers, body })).status);`,
};

/** A notification as the gateway writes it. */
interface Notification {
  readonly messageType: string;
  readonly channelID: string;
  readonly version: string;
  readonly data: string;
  readonly headers: { readonly encoding: 'aes128gcm' | 'aesgcm'; encryption?: string; crypto_key?: string };
  readonly pushEndpoint: string;
}

/** A browser's push client, as far as these senders need one: real socket, real keys. */
class Browser {
  readonly keys = PushKeys.make();
  readonly #socket: WebSocket;
  readonly #frames: Notification[] = [];
  #wake = (): void => {};

  constructor(origin: string, ca: string) {
    const url = `${origin.replace('https', 'wss')}${AUTOPUSH_PATH}`;
    this.#socket = Reflect.construct(WebSocket, [url, { tls: { ca }, protocols: ['push-notification'] }]);
    this.#socket.onmessage = (event) => {
      this.#frames.push(JSON.parse(String(event.data)) as Notification);
      this.#wake();
    };
  }

  /** Connects and subscribes for a sender's key. Answers the endpoint. */
  async subscribe(senderKey: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.onopen = () => resolve();
      this.#socket.onclose = () => reject(new Error('the server closed the connection'));
    });
    this.#say({ messageType: 'hello', use_webpush: true });
    await this.next('hello');
    this.#say({ messageType: 'register', channelID: crypto.randomUUID(), key: senderKey });
    return (await this.next('register')).pushEndpoint;
  }

  async next(type: string): Promise<Notification> {
    for (;;) {
      const at = this.#frames.findIndex((frame) => frame.messageType === type);
      if (at >= 0) return this.#frames.splice(at, 1)[0] as Notification;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The text of the next push, acknowledged. */
  async read(): Promise<string> {
    const { channelID, version, data, headers } = await this.next('notification');
    this.#say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
    const { encoding, encryption, crypto_key: cryptoKey } = headers;
    const about: PushHeaders = {
      encoding,
      ...(encryption && { encryption }),
      ...(cryptoKey && { cryptoKey }),
    };
    return this.keys.decrypt(Buffer.from(data, 'base64url'), about);
  }

  close(): void {
    this.#socket.close();
  }

  #say(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }
}

describe('senders that know nothing of us, over https', () => {
  const senderKeys = new SenderKeys();
  let folder: string;
  let ca: string;
  let town: Town;
  let browser: Browser;
  let endpoint: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reveille-senders-'));
    const authority = await makeAuthority(new Date());
    const server = await issueCertificate(authority, ['127.0.0.1'], new Date());
    ca = authority.cert;
    const files = { 'ca.crt': ca, 'server.crt': server.cert, 'server.key': server.key };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const flags = ['--tls-cert', join(folder, 'server.crt'), '--tls-key', join(folder, 'server.key')];
    town = await Town.start({ flags, seeded: false });
    browser = new Browser(town.origin, ca);
    endpoint = await browser.subscribe(senderKeys.publicText);
  }, 60_000);
  afterAll(async () => {
    browser?.close();
    await town?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a sender on Node. Answers the status that it got. */
  async function send(program: string, text: string, trusted = true): Promise<string> {
    const { publicText: publicKey, privateText: privateKey, jwk } = senderKeys;
    const subscription = { endpoint, keys: browser.keys.json };
    const order: Order = { subscription, publicKey, privateKey, jwk, text };
    const before = `const order = ${JSON.stringify(order)}; const told = (status) => process.stdout.write(String(status));`;
    const command = ['node', '--input-type=module', '--eval', `${before}${program}`];
    const child = Bun.spawn(command, {
      cwd: join(import.meta.dir, '..'),
      env: { ...process.env, ...(trusted && { NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt') }) },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return (await child.exited) === 0 ? out : err;
  }

  for (const [name, program] of Object.entries(senders)) {
    test(`WP19 ${name} is taken, and the browser reads what it sent`, async () => {
      const text = `wake up, says ${name} ⏰`;
      expect(await send(program, text)).toBe('201');
      // pushforge sends JSON whatever the payload is.
      expect(await browser.read()).toBe(name === '@pushforge/builder' ? JSON.stringify(text) : text);
    }, 30_000);
  }

  test('WP19 without trust in the authority nothing is sent: the connection is really checked', async () => {
    const said = await send(senders['web-push with aes128gcm'] ?? '', 'x', false);
    expect(said).toMatch(/certificate|SELF_SIGNED|UNABLE_TO/i);
  }, 30_000);
});
