import { Frames } from './dialogue.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const TEXT = 0x81;

/** The request that opens a WebSocket (RFC 6455, section 4.1); the key is the RFC's own sample. */
export function upgradeRequest(path: string): Buffer {
  const fixed = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n';
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${fixed}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
}

/** A client's frame (RFC 6455, section 5.2). A mask of zeros masks nothing and is a mask all the same. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text);
  const head = length < 126 ? [TEXT, 0x80 | length] : [TEXT, 0x80 | 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** Cuts what a server says into the answer to the request, an empty text here, and the texts of its frames. */
export class ServerTexts {
  #upgraded = false;
  readonly #frames = new Frames((bytes, start) => {
    if (this.#upgraded) return frameLength(bytes, start);
    const end = bytes.indexOf(HEAD_END, start);
    return end < 0 ? 0 : end + HEAD_END.length - start;
  });

  push(chunk: Buffer, each: (text: string) => void): void {
    this.#frames.push(chunk, (bytes, start, end) => {
      if (this.#upgraded) return each(bytes.toString('utf8', start + headLength(bytes, start), end));
      this.#upgraded = true;
      each('');
    });
  }
}

const headLength = (bytes: Buffer, start: number) => ((bytes[start + 1] ?? 0) < 126 ? 2 : 4);

function frameLength(bytes: Buffer, start: number): number {
  const short = bytes[start + 1];
  if (short === undefined) return 0;
  if (short < 126) return 2 + short;
  if (short > 126) throw new Error('a WebSocket frame of more than 65,535 bytes');
  return start + 4 > bytes.length ? 0 : 4 + bytes.readUInt16BE(start + 2);
}
