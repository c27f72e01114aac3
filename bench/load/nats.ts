import { type Dialogue, Frames, lineLength } from './dialogue.ts';
import type { Receiver } from './receivers.ts';

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"name":"bench"}\r\n';

/** JetStream: PUB with a reply subject; the answer is a message there, sent when the stream has it. */
export function natsDialogue(name: string, subjects: number, payload: (number: number) => string): Dialogue {
  const frames = new Frames(natsLength);
  const inbox = `bench.answers.${name}`;
  let refused = 0;
  return {
    greetings: [Buffer.from(`${CONNECT}SUB ${inbox} 1\r\nPING\r\n`)],
    get refused() {
      return refused;
    },
    request(number) {
      const text = payload(number);
      return Buffer.from(`PUB kept.${number % subjects} ${inbox} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start, end) => {
        const text = bytes.toString('latin1', start, end);
        if (text.startsWith('MSG') || text.startsWith('PONG') || text.startsWith('-ERR')) answers += 1;
        if (text.startsWith('-ERR') || text.includes('"error"')) refused += 1;
      });
      return answers;
    },
  };
}

/** What makes the stream: on disk, the newest message of each subject. Its answer comes like that of a PUB. */
export function natsStreamDialogue(): Dialogue {
  const stream = JSON.stringify({
    name: 'KEPT',
    subjects: ['kept.>'],
    storage: 'file',
    max_msgs_per_subject: 1,
  });
  const request = Buffer.from(
    `PUB $JS.API.STREAM.CREATE.KEPT bench.answers.stream ${stream.length}\r\n${stream}\r\n`,
  );
  return { ...natsDialogue('stream', 1, String), request: () => request };
}

/** A durable consumer of its own for the device: what it did not acknowledge comes again. */
export function natsReceiver(name: string, subject: number): Receiver {
  const frames = new Frames(natsLength);
  const inbox = `bench.answers.${name}`;
  const config = {
    durable_name: name,
    deliver_subject: `deliver.${name}`,
    filter_subject: `kept.${subject}`,
    ack_policy: 'explicit',
    deliver_policy: 'new',
  };
  const consumer = JSON.stringify({ stream_name: 'KEPT', config });
  const create = `PUB $JS.API.CONSUMER.DURABLE.CREATE.KEPT.${name} ${inbox} ${consumer.length}\r\n${consumer}\r\n`;
  return {
    greetings: [
      Buffer.from(`${CONNECT}SUB deliver.${name} 1\r\nSUB ${inbox} 2\r\nPING\r\n`),
      Buffer.from(create),
    ],
    hear(chunk, message) {
      let answers = 0;
      frames.push(chunk, (bytes, start, end) => {
        const text = bytes.toString('latin1', start, end);
        if (text.startsWith('-ERR') || text.includes('"error"')) throw new Error(`NATS: ${text}`);
        const [kind, , id, reply] = text.split(' ', 4);
        if (kind === 'MSG' && id === '1')
          message(text.slice(text.indexOf('\r\n') + 2, -2), [Buffer.from(`PUB ${reply} 4\r\n+ACK\r\n`)]);
        else if (kind === 'MSG' || text.startsWith('PONG')) answers += 1;
      });
      return answers;
    },
  };
}

function natsLength(bytes: Buffer, start: number): number {
  const line = lineLength(bytes, start);
  if (line === 0 || bytes[start] !== 0x4d) return line;
  const size = Number(
    bytes
      .toString('latin1', start, start + line - 2)
      .split(' ')
      .at(-1),
  );
  return line + size + 2;
}
