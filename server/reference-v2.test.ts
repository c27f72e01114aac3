import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { nameWebhook } from '../dev-env/town-webhook.ts';
import { WebhookReceiver } from '../dev-env/webhook-receiver.ts';
import { channelAnswer, messageAnswer, messageState } from './intake/multicast/shapes.ts';

const project = new URL('..', import.meta.url).pathname;
let receiver: WebhookReceiver;
let town: Town;
let folder: string;

beforeAll(async () => {
  receiver = await WebhookReceiver.start();
  town = await Town.start({
    flags: ['--webhook-addresses', 'any'],
    environment: { NODE_EXTRA_CA_CERTS: receiver.caFile },
  });
  folder = await mkdtemp(join(tmpdir(), 'reveille-reference-'));
}, 60_000);
afterAll(async () => {
  await town[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function samples(): Promise<{ readonly shell: string; readonly script: string }> {
  const text = await Bun.file(join(project, 'docs/reference-v2.md')).text();
  const found = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind, code = '']) => ({ kind, code }));
  expect(found.map(({ kind }) => kind)).toEqual(['sh', 'sh', 'sh', 'sh', 'js']);
  const shell = found.filter(({ kind }) => kind === 'sh').map(({ code }) => code);
  return { shell: shell.join('\n'), script: found.at(-1)?.code ?? '' };
}

test('WH12 WH4 EV1 the samples of the reference run as they stand, and its receiver believes our calls', async () => {
  const { shell, script } = await samples();
  const secret = await nameWebhook(town, receiver.url());
  const device = townDevice(town, { name: 'laptop', onMessage: () => {} });
  await device.connect();
  const child = Bun.spawn(['bash', '-ec', shell], {
    cwd: folder,
    stdout: 'pipe',
    stderr: 'pipe',
    env: {
      ...process.env,
      ORIGIN: town.origin,
      TOKEN: await town.accessToken(),
      CHANNEL: town.seed.channel_id,
    },
  });
  expect(await new Response(child.stderr).text()).toBe('');
  expect(await child.exited).toBe(0);
  const read = async (file: string) => await Bun.file(join(folder, file)).text();
  const { id } = messageAnswer.parse(JSON.parse(await read('sent.json')));
  expect(messageState.parse(JSON.parse(await read('state.json'))).id).toBe(id ?? '');
  const events = await read('events.txt');
  expect([...events.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type)).toEqual([
    ...['receipt', 'receipt', 'receipt', 'end'],
  ]);
  expect(events).toContain('"state":"confirmed"');
  expect(channelAnswer.parse(JSON.parse(await read('channel.json')))).toMatchObject({
    exists: true,
    devices: 1,
  });
  await device.close();

  const [call] = await receiver.has(1);
  expect(JSON.parse(call?.body ?? '')).toMatchObject({ type: 'message.confirmed', data: { message: id } });
  await takeBySample(script, secret, call?.headers ?? {}, call?.body ?? '');
});

test('WH5 a call that a kill cut off is made again after the start, with the same id', async () => {
  const device = townDevice(town, { name: 'phone', onMessage: () => {} });
  await device.connect();
  receiver.calls.length = 0;
  receiver.answer = () => new Promise<Response>(() => {});
  const sent = await fetch(`${town.origin}/v2/messages`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await town.accessToken()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ channels: [town.seed.channel_id], subchannel: 1, receipts: true }),
  });
  expect(sent.status).toBe(200);
  const [cut] = await receiver.has(1);
  await town.kill9();
  receiver.answer = () => new Response(null, { status: 204 });
  await town.startAgain();
  const [, again] = await receiver.has(2);
  expect(again?.headers['webhook-id']).toBe(cut?.headers['webhook-id'] ?? '');
  expect(again?.body).toBe(cut?.body ?? '');
  await device.close();
});

/** Runs the sample's receiver with the real secret and hands it the call that came, once as it was and once changed. */
async function takeBySample(
  script: string,
  secret: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<void> {
  await writeFile(join(folder, 'receiver.mjs'), script);
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  const probe = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response() });
  const port = String(probe.port);
  await probe.stop(true);
  const node = Bun.spawn(['node', 'receiver.mjs'], {
    cwd: folder,
    stdout: 'pipe',
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: port },
  });
  try {
    const hand = (text: string) =>
      fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers: picked(headers), body: text });
    let taken = await hand(body).catch(() => undefined);
    while (taken === undefined && node.exitCode === null) taken = await hand(body).catch(() => undefined);
    expect(taken?.status).toBe(204);
    expect((await hand(body.replace('confirmed', 'failed'))).status).toBe(400);
  } finally {
    node.kill();
  }
  expect(await new Response(node.stdout).text()).toStartWith('message.confirmed ');
}

const picked = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('webhook-')));
