import { describe, expect, test } from 'bun:test';
import { PbfWriter } from 'pbf';
import { McsTown, macRing } from '../../../dev-env/mcs-town.ts';
import { limits } from '../../../protocol/limits.ts';
import { ManualClock, seededRandom } from '../../core/manual-clock.ts';
import { silentEvents } from '../../observe/events.ts';
import { checkInDoor } from './check-in.ts';
import { DeviceKeys } from './device-keys.ts';
import { readFields, writeFixed64 } from './fields.ts';

const PATH = '/checkin';

/** A check-in as Chromium writes it. */
function checkIn(id = 0n, token = 0n): Uint8Array<ArrayBuffer> {
  const writer = new PbfWriter();
  writer.writeTag(2, 0);
  for (let rest = id; ; rest >>= 7n) {
    writer.writeVarint(Number(rest & 0x7fn) | (rest >= 0x80n ? 0x80 : 0));
    // One byte at a time: pbf would write a number of its own.
    if ((rest & 0x7fn) !== rest) writer.pos -= 1;
    if (rest < 0x80n) break;
  }
  writer.writeStringField(3, '1-da39a3ee');
  writeFixed64(writer, 13, token);
  writer.writeVarintField(14, 3);
  return new Uint8Array(writer.finish());
}

interface Answer {
  id: bigint;
  token: bigint;
  ok: boolean;
  diff: boolean | undefined;
  settings: Record<string, string>;
}

async function readAnswer(response: Response): Promise<Answer> {
  expect(response.status).toBe(200);
  const answer: Answer = { id: 0n, token: 0n, ok: false, diff: undefined, settings: {} };
  return readFields(
    await response.bytes(),
    (number, field, into) => {
      if (number === 1) into.ok = field.number() === 1;
      else if (number === 7) into.id = field.fixed64() ?? 0n;
      else if (number === 8) into.token = field.fixed64() ?? 0n;
      else if (number === 9) into.diff = field.number() === 1;
      else if (number === 5) {
        const setting = field.message(
          (at, text, pair) => pair.splice(at - 1, 1, text.text() ?? ''),
          ['', ''],
        );
        into.settings[setting[0] ?? ''] = setting[1] ?? '';
      }
    },
    answer,
  );
}

describe('first check-ins', () => {
  test('MC3 get an id below 2^63 and a token that proves it, each another', async () => {
    await using town = await McsTown.start();
    const first = await readAnswer(await town.post(PATH, checkIn()));
    const second = await readAnswer(await town.post(PATH, checkIn()));
    expect(first.ok).toBe(true);
    expect(first.id > 0n && first.id < 1n << 63n).toBe(true);
    expect(town.keys.proves(first)).toBe(true);
    expect(first.id).not.toBe(second.id);
    expect(town.keys.proves({ id: first.id, token: second.token })).toBe(false);
  });

  test('MC5 get our addresses, as a full set', async () => {
    await using town = await McsTown.start();
    const { origin } = town.pushes;
    const answer = await readAnswer(await town.post(PATH, checkIn()));
    expect(answer.diff).toBe(false);
    expect(answer.settings).toEqual({
      checkin_interval: '172800',
      checkin_url: `${origin}/checkin`,
      gcm_hostname: '127.0.0.1',
      gcm_registration_url: `${origin}/register3`,
      gcm_secure_port: String(town.room.port),
    });
  });

  test('MC4 too many from one address are told to come later, never 400, 401 or 429', async () => {
    await using town = await McsTown.start();
    let response = await town.post(PATH, checkIn());
    for (let n = 0; n < limits.checkInsPerAddress; n++) response = await town.post(PATH, checkIn());
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30']);
    town.pushes.clock.advance(limits.refusedMs);
    expect((await town.post(PATH, checkIn())).status).toBe(200);
  });

  test('MC4 what is no check-in is told to come later', async () => {
    await using town = await McsTown.start();
    for (const body of [Uint8Array.of(0x12, 200), new Uint8Array(70_000), Uint8Array.of(0x10)])
      expect((await town.post(PATH, body)).status).toBe(503);
  });

  test('MC4 MC21 while the port is shut all are told to come later, and why', async () => {
    const keys = new DeviceKeys(macRing('k'), seededRandom(1));
    const clock = new ManualClock();
    const door = checkInDoor({ keys, place: undefined, clock, events: silentEvents });
    const request = new Request('http://a/checkin', { method: 'POST', body: checkIn() });
    const response = await door(request, new URL(request.url), { address: 'a' });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('certificate');
  });

  test('MC4 another method is answered 405', async () => {
    const keys = new DeviceKeys(macRing('k'), seededRandom(1));
    const door = checkInDoor({ keys, place: undefined, clock: new ManualClock(), events: silentEvents });
    const request = new Request('http://a/checkin');
    expect((await door(request, new URL(request.url), { address: 'a' })).status).toBe(405);
  });
});

describe('later check-ins', () => {
  test('MC3 are answered with the same pair', async () => {
    await using town = await McsTown.start();
    const { id, token } = await readAnswer(await town.post(PATH, checkIn()));
    expect(await readAnswer(await town.post(PATH, checkIn(id, token)))).toMatchObject({ id, token });
  });

  test('MC3 a server that lost its database or has another first key knows the pair', async () => {
    await using town = await McsTown.start({ keys: macRing('old') });
    const { id, token } = await readAnswer(await town.post(PATH, checkIn()));
    await using later = await McsTown.start({ keys: macRing('young', 'old') });
    expect(await readAnswer(await later.post(PATH, checkIn(id, token)))).toMatchObject({ id, token });
  });

  test('MC4 with a pair of another server are answered 401', async () => {
    await using town = await McsTown.start();
    const { id, token } = new DeviceKeys(macRing('another server'), seededRandom(3)).create();
    expect((await town.post(PATH, checkIn(id, token))).status).toBe(401);
    expect((await town.post(PATH, checkIn(id, 0n))).status).toBe(401);
  });
});

describe('the keys of devices', () => {
  const keys = new DeviceKeys(macRing('k'), seededRandom(9));

  test('MC6 decimal numbers prove a device only when they belong together', () => {
    const { id, token } = keys.create();
    expect(keys.readDecimal(String(id), String(token))).toBe(id);
    for (const [one, other] of [
      [String(id), String(token ^ 1n)],
      [String(id + 1n), String(token)],
      ['0', String(token)],
      ['', ''],
      [`0${id}`, String(token)],
      [`${id} `, String(token)],
      [String(id), `-${token}`],
      [String((1n << 63n) + 5n), String(token)],
      ['99999999999999999999', '99999999999999999999'],
    ] as const)
      expect(keys.readDecimal(one, other)).toBeUndefined();
  });
});
