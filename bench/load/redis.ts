import { type Dialogue, Frames, lineLength } from './dialogue.ts';
import type { Receiver } from './receivers.ts';

/** SET and PUBLISH of one key in one write: the newest message of a subchannel is kept, and who listens is told. */
export function redisDialogue(keys: number, payload: string): Dialogue {
  const frames = new Frames(lineLength);
  let refused = 0;
  let open = 0;
  return {
    greetings: [],
    get refused() {
      return refused;
    },
    request(number) {
      const key = `channel:${number % keys}`;
      return Buffer.from(command('SET', key, payload) + command('PUBLISH', key, payload));
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        if (bytes[start] === 0x2d) refused += 1;
        open += 1;
        if (open === 2) {
          open = 0;
          answers += 1;
        }
      });
      return answers;
    },
  };
}

/** XADD to the stream of a channel, of which the newest four are kept, as many as a channel of Reveille has subchannels. */
export function redisStreamDialogue(streams: number, payload: (number: number) => string): Dialogue {
  const frames = new Frames(lineLength);
  let refused = 0;
  return {
    greetings: [],
    get refused() {
      return refused;
    },
    request: (number) =>
      Buffer.from(
        command('XADD', `channel:${number % streams}`, 'MAXLEN', '4', '*', 'payload', payload(number)),
      ),
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        // The length of the id, then the id.
        if (bytes[start] === 0x24) return;
        answers += 1;
        if (bytes[start] === 0x2d) refused += 1;
      });
      return answers;
    },
  };
}

/** So many lines has the answer to XREADGROUP with one message; where its id and payload are. */
const ENTRY = { lines: 13, id: 7, payload: 12 } as const;

/** A consumer group of its own for the device: what it did not acknowledge stays pending. */
export function redisReceiver(name: string, channel: number): Receiver {
  const frames = new Frames(lineLength);
  const key = `channel:${channel}`;
  const read = command('XREADGROUP', 'GROUP', name, name, 'COUNT', '1', 'BLOCK', '0', 'STREAMS', key, '>');
  let entry: string[] = [];
  return {
    greetings: [Buffer.from(command('XGROUP', 'CREATE', key, name, '$', 'MKSTREAM') + read)],
    hear(chunk, message) {
      let answers = 0;
      frames.push(chunk, (bytes, start, end) => {
        const line = bytes.toString('latin1', start, end - 2);
        // The group is made, or was there.
        if (entry.length === 0 && /^(\+OK|-BUSYGROUP)/.test(line)) answers += 1;
        else if (entry.length > 0 || line.startsWith('*')) entry.push(line);
        if (entry.length < ENTRY.lines) return;
        const acknowledge = command('XACK', key, name, entry[ENTRY.id] ?? '') + read;
        message(entry[ENTRY.payload] ?? '', [Buffer.from(acknowledge)]);
        entry = [];
      });
      return answers;
    },
  };
}

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
