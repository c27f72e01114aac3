import { McsClient } from '../dev-env/mcs-client.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { Ring } from '../server/config/secrets.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { type DeviceCredentials, DeviceKeys } from '../server/gateways/mcs/device-keys.ts';
import { readFields } from '../server/gateways/mcs/fields.ts';
import { bearer, type Neighbours, type Try } from './household.ts';

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));

/**
 * Devices that are devices no more. Chromium's have no row that could be removed: their tokens are MACs, and end when the
 * key that made them leaves the ring.
 */
export async function tryEndedDevices(neighbours: Neighbours): Promise<readonly Try[]> {
  const left = new DeviceKeys(new Ring([Buffer.from(random(32))]), random).create();
  return [
    await tryHello(neighbours),
    await tryLogin(neighbours, left),
    ...(await tryCheckIns(neighbours, left)),
  ];
}

async function tryHello({ running, mine }: Neighbours): Promise<Try> {
  const made = await fetch(`${running.origin}/v2/devices`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...bearer(mine.token) },
    body: JSON.stringify({ appId: mine.seed.app.id }),
  });
  const { deviceId: device, deviceToken: token } = (await made.json()) as Record<string, string>;
  const said = () => {
    const socket = new WebSocket(running.origin.replace('http', 'ws') + CONNECT_PATH);
    return new Promise<string>((resolve) => {
      socket.onopen = () =>
        socket.send(JSON.stringify({ type: 'hello', protocol: 1, client: 'proof/1', device, token }));
      socket.onclose = ({ code }) => resolve(String(code));
      socket.onmessage = () => {
        resolve('welcome');
        socket.close();
      };
    });
  };
  const before = await said();
  const headers = bearer(token ?? '');
  await fetch(`${running.origin}/v2/devices/${device}`, { method: 'DELETE', headers });
  const after = await said();
  const held = before === 'welcome' && /^44[0-9]{2}$/.test(after);
  return { what: 'hello of an ended device', held, told: `${before}, then ${after}` };
}

async function tryLogin({ running, ca }: Neighbours, { id, token }: DeviceCredentials): Promise<Try> {
  const client = await McsClient.connect(running.mcsPort ?? 0, ca);
  const { error } = await client.login(String(id), String(token)).catch(() => ({ error: 'closed' }));
  const data = client.heard.filter(({ tag }) => tag === tags.data);
  await client.cut();
  return {
    what: 'MCS login by a key that left the ring',
    held: error !== 0 && data.length === 0,
    told: `${error}`,
  };
}

/** Check-in gives a pair again to whoever has it, and to nobody else. */
async function tryCheckIns(
  { running, chromium }: Neighbours,
  left: DeviceCredentials,
): Promise<readonly Try[]> {
  const [mine, theirs] = [chromium(), chromium()];
  const ask = async (pair: DeviceCredentials) => {
    const answer = await fetch(`${running.origin}/checkin`, { method: 'POST', body: checkIn(pair) });
    const given = { id: 0n };
    if (answer.ok)
      readFields(
        await answer.bytes(),
        (number, field, into) => {
          if (number === 7) into.id = field.fixed64() ?? 0n;
        },
        given,
      );
    return { status: answer.status, id: given.id };
  };
  const tries: Try[] = [];
  for (const [what, pair] of Object.entries({
    "another's token": { id: mine.id, token: theirs.token },
    "another's id": { id: theirs.id, token: mine.token },
    'no token': { id: mine.id, token: 0n },
    'a token of one bit less': { id: mine.id, token: mine.token ^ 1n },
    'a pair of a key that left the ring': left,
  })) {
    const { status } = await ask(pair);
    tries.push({ what: `check-in with ${what}`, held: status === 401, told: `${status}` });
  }
  const own = await ask(mine);
  const held = own.status === 200 && own.id === mine.id;
  return [...tries, { what: 'check-in with the own pair', held, told: `${own.status}` }];
}

/** A check-in as Chromium writes it: the id in field 2 as a varint, the token in field 13 as 8 bytes. */
function checkIn({ id, token }: DeviceCredentials): Uint8Array<ArrayBuffer> {
  const bytes = [2 << 3];
  let rest = id;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest), (13 << 3) | 1);
  const fixed = Buffer.alloc(8);
  fixed.writeBigUInt64LE(token);
  return Uint8Array.from([...bytes, ...fixed]);
}
