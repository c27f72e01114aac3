/** What one connection of a load says and hears, in bytes: one request at a time, the next after the whole answer. */
export interface Dialogue {
  /** Said when the connection opens, each after the answer to the one before. Nothing is measured before the last answer. */
  readonly greetings: readonly Buffer[];
  /** The bytes of request `number`, counted over all connections. */
  request(number: number): Buffer;
  /** Takes what arrived; answers the whole answers in it. Counts a refusal in `refused`. */
  hear(chunk: Buffer): number;
  /** Answers so far that were no yes. */
  readonly refused: number;
}

/** Cuts a stream into frames: `lengthAt` answers how long the frame is that begins at `start`, 0 when too little is there. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);
  readonly #lengthAt: (bytes: Buffer, start: number) => number;

  constructor(lengthAt: (bytes: Buffer, start: number) => number) {
    this.#lengthAt = lengthAt;
  }

  /** Calls `each` with every whole frame. */
  push(chunk: Buffer, each: (bytes: Buffer, start: number, end: number) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (;;) {
      const length = start < bytes.length ? this.#lengthAt(bytes, start) : 0;
      if (length === 0 || start + length > bytes.length) break;
      each(bytes, start, start + length);
      start += length;
    }
    this.#rest = start < bytes.length ? Buffer.from(bytes.subarray(start)) : Buffer.alloc(0);
  }
}

const LINE_END = Buffer.from('\r\n');

/** The length of the line at `start`, its end included; 0 while it has none. */
export function lineLength(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(LINE_END, start);
  return end < 0 ? 0 : end + LINE_END.length - start;
}
