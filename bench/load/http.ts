import { type Dialogue, Frames } from './dialogue.ts';

export interface HttpLoad {
  readonly path: (number: number) => string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (number: number) => string;
  /** The statuses that mean yes. */
  readonly good: readonly number[];
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** HTTP/1.1 with keep-alive. */
export function httpDialogue({ path, headers, body, good }: HttpLoad): Dialogue {
  const fixed = Object.entries({ Host: '127.0.0.1', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const frames = new Frames(answerLength);
  let refused = 0;
  return {
    greetings: [],
    get refused() {
      return refused;
    },
    request(number) {
      const text = body(number);
      const length = Buffer.byteLength(text);
      return Buffer.from(`POST ${path(number)} HTTP/1.1\r\n${fixed}Content-Length: ${length}\r\n\r\n${text}`);
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        answers += 1;
        const status = Number(bytes.toString('latin1', start + 9, start + 12));
        if (!good.includes(status)) refused += 1;
      });
      return answers;
    },
  };
}

function answerLength(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(HEAD_END, start);
  if (end < 0) return 0;
  const head = end + HEAD_END.length - start;
  const match = /content-length: *(\d+)/i.exec(bytes.toString('latin1', start, end));
  return head + Number(match?.[1] ?? 0);
}
