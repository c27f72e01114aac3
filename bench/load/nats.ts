import { type Dialogue, Frames, lineLength } from './dialogue.ts';

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"name":"bench"}\r\n';

/** JetStream: PUB with a reply subject; the answer is a message there, sent when the stream has it. */
export function natsDialogue(name: string, subjects: number, payload: string): Dialogue {
  const frames = new Frames(natsLength);
  const inbox = `bench.answers.${name}`;
  const tail = ` ${inbox} ${Buffer.byteLength(payload)}\r\n${payload}\r\n`;
  let refused = 0;
  return {
    greetings: [Buffer.from(`${CONNECT}SUB ${inbox} 1\r\nPING\r\n`)],
    get refused() {
      return refused;
    },
    request: (number) => Buffer.from(`PUB kept.${number % subjects}${tail}`),
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
  return { ...natsDialogue('stream', 1, ''), request: () => request };
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
