import { clientFrames, McsClient } from '../dev-env/mcs-client.ts';
import { limits } from '../protocol/limits.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { frameBytes } from '../server/gateways/mcs/frame-reader.ts';
import type { Neighbours, Try } from './household.ts';

const VERSION = 41;

/** Streams at Chromium's door that are no MCS, or too much of it: before a login and after one. */
export async function tryFrames({ running, ca, chromium }: Neighbours): Promise<readonly Try[]> {
  const connect = () => McsClient.connect(running.mcsPort ?? 0, ca);
  const { id, token } = chromium();
  const body = (bytes: number) => new Uint8Array(bytes).fill(0x0a);
  const streams: Readonly<Record<string, readonly number[] | Uint8Array>> = {
    'a length beyond the limit': [tags.login, 0xff, 0xff, 0xff, 0x7f],
    'a length of one byte more than the limit': frameBytes(tags.login, body(limits.mcsFrameBytes + 1)),
    'a length without end': [tags.login, ...new Array<number>(64).fill(0xff)],
    'a length below zero': [tags.login, ...new Array<number>(9).fill(0xff), 0x01],
    'a frame of no known tag': [5, 0],
    'a frame of the last tag': [255, 0],
    'a login that is no protobuf': frameBytes(tags.login, body(100)),
    'a field longer than its frame': frameBytes(tags.login, Uint8Array.of(0x1a, 0xff, 0xff, 0x03)),
    'a login with a number where text belongs': frameBytes(tags.login, Uint8Array.of(0x18, 1, 0x28, 1)),
  };
  const tries: Try[] = [];
  for (const [what, bytes] of Object.entries(streams)) {
    for (const first of ['nobody', 'a device'] as const) {
      const client = await connect();
      const login = clientFrames.login(String(id), String(token));
      client.write(Uint8Array.of(VERSION), ...(first === 'nobody' ? [] : [login]), Uint8Array.from(bytes));
      await client.closed;
      const spoken = client.heard.filter(({ tag, error }) => tag !== tags.close && error === 0);
      const held = spoken.every(({ tag }) => first !== 'nobody' && tag === tags.loggedIn);
      tries.push({ what: `MCS: ${what}, from ${first}`, held, told: JSON.stringify(spoken) });
    }
  }
  for (const [what, text] of Object.entries({
    'another version': '\u0027\u0002\u0000',
    HTTP: 'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
  })) {
    const client = await connect();
    client.write(Buffer.from(text, 'latin1'));
    await client.closed;
    const spoken = client.heard.filter(({ tag }) => tag !== tags.close);
    tries.push({ what: `MCS: ${what}`, held: spoken.length === 0, told: JSON.stringify(spoken) });
  }
  const client = await connect();
  const { error } = await client.login(String(id), String(token));
  await client.cut();
  return [...tries, { what: 'MCS after all that', held: error === 0, told: `${error}` }];
}
