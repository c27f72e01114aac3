import { limits } from '../../../protocol/limits.ts';

/** A stream that is not MCS; the connection ends with `why`. */
export interface Refused {
  readonly type: 'refused';
  readonly why: string;
}

export const refused = (why: string): Refused => ({ type: 'refused', why });

/** The first byte of each direction, before its first frame. 38 is what some clients still say (reference, section 5). */
const versions: readonly number[] = [41, 38];
/** Bytes of a length varint: enough for any frame below the limit, and for telling one above it. */
const LENGTH_BYTES_MAX = 5;
const FIRST_BUFFER_BYTES = 512;

/**
 * Cuts a stream of MCS into frames: one version byte, then `tag (1 byte) length (varint) protobuf` again and again. It
 * holds at most one frame that is not whole, and nothing between two frames.
 */
export class FrameReader<Frame> {
  readonly #decode: (tag: number, body: Uint8Array) => Frame | Refused;
  #at: 'version' | 'frames' | 'over' = 'version';
  #held: Uint8Array | undefined;
  #heldBytes = 0;

  /** @param decode reads the body of one frame, of which it keeps no view. */
  constructor(decode: (tag: number, body: Uint8Array) => Frame | Refused) {
    this.#decode = decode;
  }

  /** Answers the frames that `chunk` completes, in order. The first refusal is the last answer of all. */
  push(chunk: Uint8Array): readonly (Frame | Refused)[] {
    const frames: (Frame | Refused)[] = [];
    let rest: Uint8Array = chunk;
    if (this.#at === 'version' && chunk.length > 0) {
      if (!versions.includes(chunk[0] ?? 0)) return [this.#end('this is no MCS of a version known here')];
      this.#at = 'frames';
      rest = chunk.subarray(1);
    }
    while (this.#at === 'frames' && rest.length > 0) {
      const bytes: Uint8Array = this.#heldBytes === 0 ? rest : this.#hold(rest);
      const header = readHeader(bytes);
      if (header === 'bad' || (header !== 'short' && header.length > limits.mcsFrameBytes)) {
        frames.push(this.#end('a frame is too long'));
      } else if (header === 'short' || bytes.length < header.end) {
        if (this.#heldBytes === 0) this.#hold(rest);
        break;
      } else {
        this.#held = undefined;
        this.#heldBytes = 0;
        const frame = this.#decode(bytes[0] ?? 0, bytes.subarray(header.start, header.end));
        rest = bytes.subarray(header.end);
        if (isRefused(frame)) this.#at = 'over';
        frames.push(frame);
      }
    }
    return frames;
  }

  /** Appends to what is held, in a buffer that doubles: a stream that comes byte by byte costs no more than its length. */
  #hold(chunk: Uint8Array): Uint8Array {
    const size = this.#heldBytes + chunk.length;
    let held = this.#held;
    if (held === undefined || held.length < size) {
      held = new Uint8Array(Math.max(FIRST_BUFFER_BYTES, 2 * size));
      held.set(this.#held?.subarray(0, this.#heldBytes) ?? []);
      this.#held = held;
    }
    held.set(chunk, this.#heldBytes);
    this.#heldBytes = size;
    return held.subarray(0, size);
  }

  #end(why: string): Refused {
    this.#at = 'over';
    this.#held = undefined;
    return refused(why);
  }
}

function isRefused(frame: unknown): frame is Refused {
  return (frame as Refused).type === 'refused';
}

/** Where the body of the frame at the start of `bytes` starts and ends. */
function readHeader(bytes: Uint8Array): { start: number; end: number; length: number } | 'short' | 'bad' {
  let length = 0;
  for (let i = 0; i < LENGTH_BYTES_MAX; i++) {
    const byte = bytes[1 + i];
    if (byte === undefined) return 'short';
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { start: 2 + i, end: 2 + i + length, length };
  }
  return 'bad';
}

/** A frame as bytes. */
export function frameBytes(tag: number, body: Uint8Array): Uint8Array {
  const header = [tag];
  let length = body.length;
  for (; length >= 0x80; length = Math.floor(length / 0x80)) header.push((length & 0x7f) | 0x80);
  header.push(length);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}
