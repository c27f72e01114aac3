import { connect, type TLSSocket } from 'node:tls';
import { PbfWriter } from 'pbf';
import { SELECTIVE_ACK, STREAM_ACK, tags } from '../server/gateways/mcs/codec.ts';
import { type Field, readFields } from '../server/gateways/mcs/fields.ts';
import { FrameReader, frameBytes, type Refused, refused } from '../server/gateways/mcs/frame-reader.ts';

/** What a server said, as far as a test looks at it. */
export interface Heard {
  readonly tag: number;
  /** How many of our frames it says it has received; 0 = it does not say. */
  received: number;
  /** Of an answer to a login: the code of a refusal, 0 = good. */
  error: number;
  heartbeatMs: number;
  from: string;
  category: string;
  collapseKey: string;
  persistentId: string;
  immediateAck: boolean;
  readonly appData: Record<string, string>;
  body: Uint8Array;
}

/** Which field of a frame holds the count of received frames. */
const countFields: Readonly<Record<number, number>> = {
  [tags.pong]: 2,
  [tags.loggedIn]: 6,
  [tags.iq]: 10,
  [tags.data]: 11,
};

/** Reads the body of one frame of a server. */
export function decodeServerFrame(tag: number, body: Uint8Array): Heard | Refused {
  const heard: Heard = {
    tag,
    received: 0,
    error: 0,
    heartbeatMs: 0,
    from: '',
    category: '',
    collapseKey: '',
    persistentId: '',
    immediateAck: false,
    appData: {},
    body: new Uint8Array(),
  };
  try {
    return readFields(body, readServerField, heard);
  } catch {
    return refused('no protobuf');
  }
}

function readServerField(number: number, field: Field, heard: Heard): void {
  if (number === countFields[heard.tag]) heard.received = field.number() ?? 0;
  else if (heard.tag === tags.loggedIn) readAnswerField(number, field, heard);
  else if (heard.tag === tags.data) readDataField(number, field, heard);
}

function readAnswerField(number: number, field: Field, heard: Heard): void {
  const within = (wanted: number, set: (value: number) => void) =>
    field.message((inner, value) => inner === wanted && set(value.number() ?? 0), undefined);
  if (number === 3)
    within(1, (value) => {
      heard.error = value;
    });
  if (number === 7)
    within(3, (value) => {
      heard.heartbeatMs = value;
    });
}

function readDataField(number: number, field: Field, heard: Heard): void {
  if (number === 3) heard.from = field.text() ?? '';
  else if (number === 5) heard.category = field.text() ?? '';
  else if (number === 6) heard.collapseKey = field.text() ?? '';
  else if (number === 9) heard.persistentId = field.text() ?? '';
  else if (number === 21) heard.body = new Uint8Array(field.bytes() ?? []);
  else if (number === 24) heard.immediateAck = field.number() === 1;
  else if (number === 7) {
    const pair = field.message(
      (inner, value, into) => {
        if (inner === 1) into.key = value.text() ?? '';
        else if (inner === 2) into.value = value.text() ?? '';
      },
      { key: '', value: '' },
    );
    heard.appData[pair.key] = pair.value;
  }
}

/** Frames as Chromium writes them. */
export const clientFrames = {
  login(device: string, token: string, persistentIds: readonly string[] = [], resource = device): Uint8Array {
    const writer = new PbfWriter();
    writer.writeStringField(1, 'chrome-156.0.8078.79');
    writer.writeStringField(2, 'mcs.android.com');
    writer.writeStringField(3, device);
    writer.writeStringField(4, resource);
    writer.writeStringField(5, token);
    for (const id of persistentIds) writer.writeStringField(10, id);
    writer.writeBooleanField(12, false);
    writer.writeBooleanField(14, true);
    writer.writeVarintField(16, 2);
    return frameBytes(tags.login, writer.finish());
  },
  ping(received: number): Uint8Array {
    const writer = new PbfWriter();
    writer.writeVarintField(2, received);
    return frameBytes(tags.ping, writer.finish());
  },
  pong(received: number): Uint8Array {
    const writer = new PbfWriter();
    writer.writeVarintField(2, received);
    return frameBytes(tags.pong, writer.finish());
  },
  close(): Uint8Array {
    return frameBytes(tags.close, new Uint8Array());
  },
  streamAck(received: number): Uint8Array {
    return iq(STREAM_ACK, new Uint8Array(), received);
  },
  selectiveAck(ids: readonly string[], received: number): Uint8Array {
    const writer = new PbfWriter();
    for (const id of ids) writer.writeStringField(1, id);
    return iq(SELECTIVE_ACK, writer.finish(), received);
  },
  upstream(id: string, category: string, received: number): Uint8Array {
    const writer = new PbfWriter();
    writer.writeStringField(2, id);
    writer.writeStringField(3, 'gcm@chrome.com');
    writer.writeStringField(5, category);
    writer.writeStringField(9, `p-${id}`);
    writer.writeVarintField(11, received);
    return frameBytes(tags.data, writer.finish());
  },
};

function iq(extension: number, data: Uint8Array, received: number): Uint8Array {
  const writer = new PbfWriter();
  writer.writeVarintField(2, 1);
  writer.writeStringField(3, '');
  writer.writeMessage(
    7,
    (body, into) => {
      into.writeVarintField(1, extension);
      into.writeBytesField(2, body);
    },
    data,
  );
  writer.writeVarintField(10, received);
  return frameBytes(tags.iq, writer.finish());
}

/** A real TLS connection that speaks MCS, writes down what it hears, and lets a test wait for it. */
export class McsClient {
  readonly heard: Heard[] = [];
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #reader = new FrameReader<Heard>(decodeServerFrame);
  #changed = Promise.withResolvers<void>();
  #isClosed = false;
  /** Called with each frame, in order. */
  onHeard: (heard: Heard) => void = () => {};

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#change();
        resolve();
      });
    });
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) {
        if ('type' in frame) continue;
        this.heard.push(frame);
        this.onHeard(frame);
      }
      this.#change();
    });
  }

  /** Connects, and trusts the authority `ca` (PEM) alone. */
  static connect(port: number, ca: string): Promise<McsClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, ca });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed before the handshake')));
      socket.once('secureConnect', () => resolve(new McsClient(socket)));
    });
  }

  /** Says the version and logs in. Answers when the answer is here. */
  async login(device: string, token: string, persistentIds: readonly string[] = []): Promise<Heard> {
    this.write(Uint8Array.of(41), clientFrames.login(device, token, persistentIds));
    const [answer] = await this.until(tags.loggedIn);
    return answer as Heard;
  }

  write(...chunks: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(chunks));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Acknowledges everything that was heard. */
  acknowledge(): void {
    this.write(clientFrames.streamAck(this.heard.length));
  }

  /** Waits until `count` frames of a tag were heard. @throws Error when the connection closes before. */
  async until(tag: number, count = 1): Promise<readonly Heard[]> {
    for (;;) {
      const found = this.heard.filter((one) => one.tag === tag);
      if (found.length >= count) return found;
      if (this.#isClosed) throw new Error(`closed before ${count} frames of tag ${tag}`);
      await this.#changed.promise;
    }
  }

  /** Cuts the connection without a word. */
  async cut(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
