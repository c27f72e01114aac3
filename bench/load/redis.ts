import { type Dialogue, Frames, lineLength } from './dialogue.ts';

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

function command(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
