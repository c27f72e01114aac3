import { PbfReader, type PbfWriter } from 'pbf';

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

/** Bytes of the longest varint of 64 bits. */
const VARINT_BYTES = 10;

/**
 * One field of a protobuf message that somebody sent us. A reader of the wrong wire type answers undefined and reads
 * nothing: the field is passed over, as one that is unknown.
 */
export class Field {
  readonly #reader: PbfReader;

  constructor(reader: PbfReader) {
    this.#reader = reader;
  }

  text(): string | undefined {
    return this.#reader.type === BYTES ? this.#reader.readString() : undefined;
  }

  bytes(): Uint8Array | undefined {
    return this.#reader.type === BYTES ? this.#reader.readBytes() : undefined;
  }

  /** Whole numbers that we compare and count; those above 2^53 are not exact. */
  number(): number | undefined {
    return this.#reader.type === VARINT ? this.#reader.readVarint() : undefined;
  }

  /** An int64 or uint64, exactly, as unsigned. */
  int64(): bigint | undefined {
    if (this.#reader.type !== VARINT) return undefined;
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES; i++) {
      const byte = this.#reader.buf[this.#reader.pos++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a varint does not end');
  }

  fixed64(): bigint | undefined {
    if (this.#reader.type !== FIXED64) return undefined;
    const low = this.#reader.readFixed32();
    return (BigInt(this.#reader.readFixed32()) << 32n) | BigInt(low);
  }

  message<Result>(read: (number: number, field: Field, result: Result) => void, result: Result): Result {
    if (this.#reader.type !== BYTES) return result;
    return this.#reader.readMessage((number, into) => read(number, this, into), result);
  }
}

/**
 * Reads a whole message of protobuf: `read` is called for each field.
 * @throws RangeError, or an Error of pbf, when the bytes are no protobuf.
 */
export function readFields<Result>(
  bytes: Uint8Array,
  read: (number: number, field: Field, result: Result) => void,
  result: Result,
): Result {
  const reader = new PbfReader(bytes);
  const field = new Field(reader);
  reader.readFields((number, into) => read(number, field, into), result);
  // pbf does not look at where the bytes end.
  if (reader.pos !== bytes.length) throw new RangeError('a field is longer than its message');
  return result;
}

/** Writes a fixed64, which pbf knows only up to 2^53. */
export function writeFixed64(writer: PbfWriter, number: number, value: bigint): void {
  writer.writeTag(number, FIXED64);
  writer.writeFixed32(Number(value & 0xffff_ffffn));
  writer.writeFixed32(Number(value >> 32n));
}
