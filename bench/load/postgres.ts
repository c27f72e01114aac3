import { type Dialogue, Frames } from './dialogue.ts';

const READY = 0x5a;
const ERROR = 0x45;

/** The table of the peer, and its one statement: keep the newest message of a channel, and tell who listens. */
export const keptTable = 'CREATE TABLE kept (channel text PRIMARY KEY, payload text NOT NULL)';
const statement = `WITH keep AS (
  INSERT INTO kept VALUES ($1, $2) ON CONFLICT (channel) DO UPDATE SET payload = excluded.payload RETURNING channel
) SELECT pg_notify('kept', channel) FROM keep`;

/** PostgreSQL's frontend protocol 3.0 (its manual, chapter 55): one prepared statement, bound and run with each request. */
export function postgresDialogue(channels: number, payload: string): Dialogue {
  const frames = new Frames((bytes, start) =>
    start + 5 > bytes.length ? 0 : 1 + bytes.readInt32BE(start + 1),
  );
  const text = Buffer.from(payload);
  const after = Buffer.concat([
    message('E', Buffer.concat([Buffer.from('\0'), int32(0)])),
    message('S', Buffer.alloc(0)),
  ]);
  const parse = message('P', Buffer.concat([Buffer.from(`keep\0${statement}\0`), int16(0)]));
  let refused = 0;
  return {
    greetings: [startup(), Buffer.concat([parse, message('S', Buffer.alloc(0))])],
    get refused() {
      return refused;
    },
    request(number) {
      const channel = Buffer.from(`channel ${number % channels}`);
      const values = [int32(channel.length), channel, int32(text.length), text];
      const bind = message(
        'B',
        Buffer.concat([Buffer.from('\0keep\0'), int16(0), int16(2), ...values, int16(0)]),
      );
      return Buffer.concat([bind, after]);
    },
    hear(chunk) {
      let answers = 0;
      frames.push(chunk, (bytes, start) => {
        if (bytes[start] === READY) answers += 1;
        if (bytes[start] === ERROR) refused += 1;
      });
      return answers;
    },
  };
}

function startup(): Buffer {
  const body = Buffer.from('user\0bench\0database\0postgres\0\0');
  return Buffer.concat([int32(body.length + 8), int32(196_608), body]);
}

function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
