import { type Dialogue, Frames } from './dialogue.ts';

const PUBACK = 0x40;

/** MQTT 3.1.1 (its sections 3.1 and 3.3): PUBLISH with QoS 1 and retain, answered by PUBACK. */
export function mqttDialogue(name: string, topics: number, payload: string): Dialogue {
  const frames = new Frames(packetLength);
  const text = Buffer.from(payload);
  return {
    greetings: [mqttConnect(name)],
    refused: 0,
    request(number) {
      const topic = Buffer.from(`channel/${number % topics}`);
      const id = (number % 65_535) + 1;
      return packet(0x33, [word(topic.length), topic, word(id), text]);
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        const kind = bytes[start];
        if (kind === PUBACK || kind === 0x20) answers += 1;
      });
      return answers;
    },
  };
}

/** CONNECT of a client with a name; a keep-alive of zero asks for no pings. */
export function mqttConnect(name: string): Buffer {
  const id = Buffer.from(name);
  return packet(0x10, [word(4), Buffer.from('MQTT'), Buffer.of(4, 2), word(0), word(id.length), id]);
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
