import { McsClient } from '../dev-env/mcs-client.ts';
import type { Town } from '../dev-env/town.ts';
import { AUTOPUSH_PATH, CHECKIN_PATH, REGISTRATION_PATH } from '../protocol/browser-settings.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { readFields } from '../server/gateways/mcs/fields.ts';

const AGAIN_MS = 50;
const channelID = 'd9b74644-4f97-46aa-b8fa-9393985cd6cd';

/** A browser's push client with one subscription, as a crash test sees it: it comes back after each loss. */
export interface ReturningClient {
  /** Bodies that came, in base64url, and how often each. */
  readonly got: ReadonlyMap<string, number>;
  /** Where its subscription is posted to; settles once it has one. */
  readonly endpoint: Promise<string>;
  /** Called with each body that came, in base64url. */
  onPush: (body: string) => void;
  close(): void;
}

/** Speaks autopush, and acknowledges each push. One that the server never heard acknowledged comes again. */
export class ReturningAutopush implements ReturningClient {
  readonly got = new Map<string, number>();
  readonly #url: string;
  readonly #endpoint = Promise.withResolvers<string>();
  #uaid: string | undefined;
  #socket: WebSocket | undefined;
  #ended = false;
  onPush: (body: string) => void = () => {};

  constructor({ origin }: Town) {
    this.#url = origin.replace(/^http/, 'ws') + AUTOPUSH_PATH;
    this.#connect();
  }

  get endpoint(): Promise<string> {
    return this.#endpoint.promise;
  }

  close(): void {
    this.#ended = true;
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, 'push-notification');
    this.#socket = socket;
    const say = (frame: object) => socket.send(JSON.stringify(frame));
    socket.addEventListener('open', () => say({ messageType: 'hello', uaid: this.#uaid, use_webpush: true }));
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Record<string, string>;
      if (frame.messageType === 'hello' && this.#uaid === undefined)
        say({ messageType: 'register', channelID });
      if (frame.messageType === 'hello') {
        if (this.#uaid !== undefined && this.#uaid !== frame.uaid) throw new Error('the uaid was not kept');
        this.#uaid = frame.uaid;
      }
      if (frame.messageType === 'register') this.#endpoint.resolve(frame.pushEndpoint ?? '');
      if (frame.messageType !== 'notification') return;
      count(this.got, frame.data ?? '');
      say({ messageType: 'ack', updates: [{ channelID, version: frame.version, code: 100 }] });
      this.onPush(frame.data ?? '');
    });
    socket.addEventListener('close', () => {
      if (!this.#ended) setTimeout(() => this.#connect(), AGAIN_MS);
    });
  }
}

/**
 * Speaks MCS as Chromium does: it acknowledges each message, and lists at each login those of which the server has not said
 * that it knows. So none comes twice.
 */
export class ReturningMcs implements ReturningClient {
  readonly got = new Map<string, number>();
  readonly endpoint: Promise<string>;
  readonly #town: Town;
  /** Ids of messages that came, with the number of the frame of ours that acknowledged each. */
  readonly #unsure = new Map<string, number>();
  readonly #sender: string;
  #client: McsClient | undefined;
  #ended = false;
  onPush: (body: string) => void = () => {};

  /** @param sender whom its subscription is for: the public key of an application server, in base64url; else anyone. */
  constructor(town: Town, sender = '1234567890') {
    this.#town = town;
    this.#sender = sender;
    this.endpoint = this.#begin();
  }

  close(): void {
    this.#ended = true;
    void this.#client?.cut();
  }

  async #begin(): Promise<string> {
    const { id, token } = await checkIn(this.#town.origin);
    const endpoint = await register(this.#town.origin, id, token, this.#sender);
    void this.#stay(id, token);
    return endpoint;
  }

  async #stay(id: string, token: string): Promise<void> {
    while (!this.#ended) {
      await this.#connect(id, token).catch(() => {});
      await Bun.sleep(AGAIN_MS);
    }
  }

  async #connect(id: string, token: string): Promise<void> {
    const { port, ca } = await this.#town.mcsDoor();
    const client = await McsClient.connect(port, ca);
    this.#client = client;
    const listed = [...this.#unsure.keys()];
    // The login is the first frame, and acknowledges what it lists.
    for (const persistentId of listed) this.#unsure.set(persistentId, 1);
    let sent = 1;
    client.onHeard = ({ tag, received, persistentId, body }) => {
      for (const [known, frame] of this.#unsure) if (frame <= received) this.#unsure.delete(known);
      if (tag !== tags.data) return;
      const text = Buffer.from(body).toString('base64url');
      count(this.got, text);
      this.#unsure.set(persistentId, ++sent);
      client.acknowledge();
      this.onPush(text);
    };
    await client.login(id, token, listed);
    await client.closed;
  }
}

function count(got: Map<string, number>, body: string): void {
  got.set(body, (got.get(body) ?? 0) + 1);
}

/** A first check-in says nothing of itself. Answers id and token in decimal. */
async function checkIn(origin: string): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await fetch(origin + CHECKIN_PATH, { method: 'POST' });
  if (!answer.ok) throw new Error(`check-in: ${answer.status}`);
  return readFields(
    new Uint8Array(await answer.arrayBuffer()),
    (number, field, given) => {
      if (number === 7) given.id = String(field.fixed64());
      else if (number === 8) given.token = String(field.fixed64());
    },
    { id: '', token: '' },
  );
}

async function register(origin: string, id: string, token: string, sender: string): Promise<string> {
  const answer = await fetch(origin + REGISTRATION_PATH, {
    method: 'POST',
    headers: { Authorization: `AidLogin ${id}:${token}` },
    body: new URLSearchParams({
      app: 'org.chromium.linux',
      'X-subtype': 'wp:https://site.example/#1-V2',
      sender,
    }),
  });
  const [, endpointToken] = /^token=(.+)$/.exec(await answer.text()) ?? [];
  if (endpointToken === undefined) throw new Error('register3 gave no token');
  return `${origin}/wpush/${endpointToken}`;
}
