import { type Dialogue, Frames } from './dialogue.ts';
import type { Receiver } from './receivers.ts';

const CONNACK = 0x20;
const PUBACK = 0x40;
const SUBACK = 0x90;

/** MQTT 3.1.1 (its sections 3.1 and 3.3): PUBLISH with QoS 1 and retain, answered by PUBACK. */
export function mqttDialogue(name: string, topics: number, payload: (number: number) => Buffer): Dialogue {
  const frames = new Frames(packetLength);
  return {
    greetings: [mqttConnect(name)],
    refused: 0,
    request(number) {
      const topic = Buffer.from(`channel/${number % topics}`);
      const id = (number % 65_535) + 1;
      return packet(0x33, [word(topic.length), topic, word(id), payload(number)]);
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        const kind = bytes[start];
        if (kind === PUBACK || kind === CONNACK) answers += 1;
      });
      return answers;
    },
  };
}

/** A client with a session that stays: messages of QoS 1 wait for its PUBACK, also while it is away (section 4.4). */
export function mqttReceiver(name: string, channel: number): Receiver {
  const frames = new Frames(packetLength);
  const topic = Buffer.from(`channel/${channel}`);
  const subscribe = packet(0x82, [word(1), word(topic.length), topic, Buffer.of(1)]);
  return {
    greetings: [mqttConnect(name, 'session'), subscribe],
    hear(chunk, message) {
      let answers = 0;
      frames.push(chunk, (bytes, start, end) => {
        const kind = (bytes[start] ?? 0) & 0xf0;
        if (kind === CONNACK || kind === SUBACK) answers += 1;
        if (kind !== 0x30) return;
        // Its length took one byte more for each that has the highest bit.
        let at = start + 2;
        while ((bytes[at - 1] ?? 0) > 127) at += 1;
        at += 2 + bytes.readUInt16BE(at);
        message(bytes.toString('utf8', at + 2, end), [packet(PUBACK, [word(bytes.readUInt16BE(at))])]);
      });
      return answers;
    },
  };
}

/** CONNECT of a client with a name; a keep-alive of zero asks for no pings. */
export function mqttConnect(name: string, state: 'clean' | 'session' = 'clean'): Buffer {
  const id = Buffer.from(name);
  const flags = state === 'clean' ? 2 : 0;
  return packet(0x10, [word(4), Buffer.from('MQTT'), Buffer.of(4, flags), word(0), word(id.length), id]);
}

function packet(kind: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let left = body.length; ; left >>= 7) {
    length.push(left > 127 ? (left & 127) | 128 : left);
    if (left <= 127) break;
  }
  return Buffer.concat([Buffer.from([kind, ...length]), body]);
}

function word(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

function packetLength(bytes: Buffer, start: number): number {
  let length = 0;
  for (let at = 1; at <= 4; at += 1) {
    const byte = bytes[start + at];
    if (byte === undefined) return 0;
    length |= (byte & 127) << (7 * (at - 1));
    if (byte < 128) return 1 + at + length;
  }
  throw new Error('MQTT: a length of more than four bytes');
}
