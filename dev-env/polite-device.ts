import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { clientFrames, type McsClient } from './mcs-client.ts';

type Frame = Readonly<Record<string, unknown>>;

/** A device that confirms each message as it comes. */
export interface PoliteDevice {
  /** Settles when a message was there whose text begins with this word. */
  got(word: string): Promise<void>;
  /** How many messages came, each counted once. */
  readonly count: number;
  /** Gives a sign of life. */
  alive(): Promise<void> | void;
  end(): Promise<void> | void;
}

/** Salt, record size and key in front of a push's record (RFC 8188 section 2.1). */
const HEAD_BYTES = 86;
const RECORD_BYTES_MIN = 18;

/** A text in the form of an encrypted push, as far as the service looks at it: only a polite device can read it. */
export function pushForm(text: string): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(4_096, 16);
  head[20] = 65;
  head[21] = 4;
  return new Uint8Array(Buffer.concat([head, Buffer.from(text.padEnd(RECORD_BYTES_MIN))]));
}

const readPush = (body: Buffer) => body.subarray(HEAD_BYTES).toString();

/** The first words of what was heard, for which a test waits. */
class Heard {
  readonly #words = new Set<string>();
  #changed = Promise.withResolvers<void>();

  note(text: string): void {
    this.#words.add(text.split(' ')[0] ?? '');
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  readonly got = async (word: string): Promise<void> => {
    while (!this.#words.has(word)) await this.#changed.promise;
  };

  get count(): number {
    return this.#words.size;
  }
}

function frameOf({ data }: MessageEvent): Frame {
  return JSON.parse(String(data)) as Frame;
}

/** On our own WebSocket. */
export function politeDevice(origin: string, device: string, token: string): PoliteDevice {
  const heard = new Heard();
  const socket = new WebSocket(origin.replace('http', 'ws') + CONNECT_PATH);
  const say = (frame: Frame) => socket.send(JSON.stringify(frame));
  let pong = Promise.withResolvers<void>();
  socket.onopen = () => say({ type: 'hello', protocol: 1, client: 'polite/1', device, token });
  socket.onmessage = (event) => {
    const { type, version, payload } = frameOf(event);
    if (type === 'pong') pong.resolve();
    if (type !== 'message') return;
    heard.note(String(payload));
    say({ type: 'confirm', version });
  };
  return {
    got: heard.got,
    get count() {
      return heard.count;
    },
    alive() {
      pong = Promise.withResolvers();
      say({ type: 'ping' });
      return pong.promise;
    },
    end: () => socket.close(),
  };
}

export interface PoliteFirefox extends PoliteDevice {
  readonly uaid: Promise<string>;
  /** The endpoint of `channelID`. */
  register(channelID: string): Promise<string>;
}

/** At the autopush gateway; it answers protocol pings by itself. */
export function politeFirefox(origin: string, uaid = ''): PoliteFirefox {
  const heard = new Heard();
  const socket = new WebSocket(origin.replace('http', 'ws') + AUTOPUSH_PATH);
  const say = (frame: Frame) => socket.send(JSON.stringify(frame));
  const greeted = Promise.withResolvers<string>();
  const registered = Promise.withResolvers<string>();
  socket.onopen = () => say({ messageType: 'hello', uaid, use_webpush: true });
  socket.onmessage = (event) => {
    const { messageType, data, channelID, version, ...rest } = frameOf(event);
    if (messageType === 'hello') greeted.resolve(String(rest.uaid));
    if (messageType === 'register') registered.resolve(String(rest.pushEndpoint));
    if (messageType !== 'notification') return;
    heard.note(readPush(Buffer.from(String(data), 'base64url')));
    say({ messageType: 'ack', updates: [{ channelID, version, code: 100 }] });
  };
  return {
    uaid: greeted.promise,
    async register(channelID) {
      await greeted.promise;
      say({ messageType: 'register', channelID });
      return registered.promise;
    },
    got: heard.got,
    get count() {
      return heard.count;
    },
    alive() {},
    end: () => socket.close(),
  };
}

/** At the MCS gateway, on a connection that has not logged in. */
export function politeChromium(client: McsClient, id: string, token: string): PoliteDevice {
  const heard = new Heard();
  client.onHeard = ({ tag, body }) => {
    if (tag !== tags.data) return;
    heard.note(readPush(Buffer.from(body)));
    client.write(clientFrames.streamAck(client.heard.length));
  };
  client.write(Uint8Array.of(41), clientFrames.login(id, token));
  return {
    got: heard.got,
    get count() {
      return heard.count;
    },
    alive: () => client.write(clientFrames.ping(client.heard.length)),
    end: () => client.cut(),
  };
}
