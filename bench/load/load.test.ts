import { expect, test } from 'bun:test';
import { parties } from './delivery.ts';
import type { Dialogue } from './dialogue.ts';
import { exchange } from './exchange.ts';
import { httpDialogue } from './http.ts';
import { dialogues, type Talk } from './spec.ts';

const load = (port: number, status: number) =>
  exchange({
    port,
    connections: 4,
    seconds: 0.3,
    warmUpMs: 50,
    pid: process.pid,
    dialogue: () => httpDialogue({ path: () => `/${status}`, headers: {}, body: String, good: [204] }),
  });

test('BE1 a load counts good answers by the second and others as failed', async () => {
  using server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      await request.text();
      const status = Number(new URL(request.url).pathname.slice(1));
      return new Response(status === 204 ? null : 'no', { status });
    },
  });
  const good = await load(server.port ?? 0, 204);
  expect(good.perSecond).toBeGreaterThan(0);
  expect(good.p99Ms).toBeGreaterThanOrEqual(good.p50Ms);
  expect(good.failed).toBe(0);
  const bad = await load(server.port ?? 0, 500);
  expect(bad.perSecond).toBe(0);
  expect(bad.failed).toBeGreaterThan(0);
});

test('BE1 a load fails when the server closes its connections', async () => {
  using server = Bun.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket) => void socket.end() },
  });
  await expect(load(server.port, 204)).rejects.toThrow('closed a connection');
});

/** Answers of each peer as its protocol has them: greetings, a yes, a no. */
const answers: readonly [Talk['kind'], string, string, string | undefined][] = [
  [
    'empty',
    '',
    'HTTP/1.1 204 No Content\r\nDate: x\r\n\r\n',
    'HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nno\r\n',
  ],
  [
    'nchan',
    '',
    'HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n',
  ],
  ['redis', '', '+OK\r\n:0\r\n', '-ERR no\r\n:0\r\n'],
  ['mqtt', '\x20\x02\x00\x00', '\x40\x02\x00\x01', undefined],
  ['nats', 'INFO {}\r\nPONG\r\n', 'MSG i 1 11\r\n{"seq":1}\r\n\r\n', 'MSG i 1 12\r\n{"error":{}}\r\n'],
  [
    'socket.io',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x03' + '0{}' + '\x81\x04' + '40{}',
    '\x81\x05' + '430[]',
    undefined,
  ],
  [
    'postgres',
    'R\0\0\0\x04Z\0\0\0\x05I1\0\0\0\x04Z\0\0\0\x05I',
    '2\0\0\0\x04Z\0\0\0\x05I',
    'E\0\0\0\x05xZ\0\0\0\x05I',
  ],
];

/** Hears a text in pieces of one byte. */
const hear = (dialogue: Dialogue, text: string) =>
  [...Buffer.from(text, 'latin1')].reduce((sum, byte) => sum + dialogue.hear(Buffer.of(byte)), 0);

test('BE1 answers are counted whole in every protocol, however they arrive, and refusals apart', () => {
  for (const [kind, hello, yes, no] of answers) {
    const dialogue = dialogues({ kind, channels: 3 } as Talk, [])(0);
    expect(hear(dialogue, hello)).toBe(dialogue.greetings.length);
    expect(hear(dialogue, yes)).toBe(1);
    expect(dialogue.hear(Buffer.from(yes + yes, 'latin1'))).toBe(2);
    expect(dialogue.refused).toBe(0);
    if (no === undefined) continue;
    expect(hear(dialogue, no)).toBe(1);
    expect(dialogue.refused).toBe(1);
  }
});

/** Of each kind: answers to the greetings, a message in the protocol's own words, and what confirms it. */
const deliveries: readonly ['mqtt' | 'nats' | 'redis' | 'socket.io', string, string, string][] = [
  ['mqtt', '\x20\x02\0\0\x90\x03\0\x01\x01', '\x32\x07\0\x01c\0\x09hi', '\x40\x02\0\x09'],
  ['nats', 'INFO {}\r\nPONG\r\nMSG i 2 2\r\n{}\r\n', 'MSG d 1 ack.1 2\r\nhi\r\n', 'PUB ack.1 4\r\n+ACK\r\n'],
  [
    'redis',
    '-BUSYGROUP\r\n',
    ':1\r\n*1\r\n*2\r\n$9\r\nchannel:0\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$7\r\npayload\r\n$2\r\nhi\r\n',
    '*4\r\n$4\r\nXACK\r\n$9\r\nchannel:0\r\n$8\r\ndevice-0\r\n$3\r\n1-0\r\n',
  ],
  [
    'socket.io',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x03' + '0{}' + '\x81\x04' + '40{}' + '\x81\x05' + '430[]',
    '\x81\x13427["message","hi"]',
    '\x81\x85\0\0\0\0' + '437[]',
  ],
];

test('BE14 a subscriber of each broker is live after its greetings, and confirms each message, however it arrives', () => {
  for (const [kind, greetings, message, confirmed] of deliveries) {
    const { receivers } = parties({ kind, devices: 1, channels: 1 }, String);
    const [receiver] = receivers;
    if (receiver === undefined) throw new Error('no device');
    const got: [string, string][] = [];
    const hearAll = (text: string) =>
      [...Buffer.from(text, 'latin1')].reduce(
        (sum, byte) =>
          sum +
          receiver.hear(Buffer.of(byte), (payload, confirm) => {
            got.push([payload, Buffer.concat([...confirm]).toString('latin1')]);
          }),
        0,
      );
    expect(hearAll(greetings)).toBe(receiver.greetings.length);
    expect(got).toEqual([]);
    expect(hearAll(message)).toBe(0);
    expect(got).toHaveLength(1);
    expect(got[0]?.[0]).toBe('hi');
    expect(got[0]?.[1]).toStartWith(confirmed);
  }
});
