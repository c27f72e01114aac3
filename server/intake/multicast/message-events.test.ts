import { afterEach, beforeEach, expect, test } from 'bun:test';
import { SmallTown } from '../../../dev-env/small-town.ts';
import type { AppId } from '../../../protocol/app-id.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Channel, Device } from '../../core/store.ts';
import { messageAnswer, receiptEvent } from './shapes.ts';

const app = 'mfaehphpebmlbfdiegjnpidmibldjbjk' as AppId;

interface StreamEvent {
  readonly type: string;
  readonly id: string;
  readonly data: unknown;
}

let town: SmallTown;
let bob: Channel;
let laptop: Device;
let phone: Device;

beforeEach(async () => {
  town = new SmallTown();
  town.rights.groups.set('group', new Set(['ann']));
  town.rights.app(app, 'group');
  town.rights.token('good');
  bob = await town.receiving.open('bob', app);
  ({ device: laptop } = await town.devices.register({ account: 'bob', app, name: 'laptop' }));
  ({ device: phone } = await town.devices.register({ account: 'bob', app, name: 'phone' }));
});
afterEach(() => town[Symbol.asyncDispose]());

async function send(more: Record<string, unknown> = {}) {
  const answer = await fetch(`${town.origin}/v2/messages`, {
    method: 'POST',
    headers: { Authorization: 'Bearer good', 'Content-Type': 'application/json' },
    body: JSON.stringify({ channels: [bob.id], ...more }),
  });
  const { id, targets } = messageAnswer.parse(await answer.json());
  return { id: id ?? '', version: targets[0]?.version ?? 0 };
}

const confirm = (device: Device, version: number) =>
  town.devices.acknowledge(device, [{ outcome: 'handled', version: version as never }]);

/** Opens the stream; `next` reads up to the next event or comment. */
async function follow(id: string, headers: Record<string, string> = {}, token = 'good') {
  const answer = await fetch(`${town.origin}/v2/messages/${id}/events`, {
    headers: { Authorization: `Bearer ${token}`, ...headers },
  });
  const reader = answer.body?.pipeThrough(new TextDecoderStream() as never).getReader();
  let text = '';
  const next = async (): Promise<string | undefined> => {
    while (!text.includes('\n\n')) {
      const read = await reader?.read();
      if (read === undefined || read.done) return undefined;
      text += read.value;
    }
    const [block = ''] = text.split('\n\n', 1);
    text = text.slice(block.length + 2);
    return block;
  };
  const event = async (): Promise<StreamEvent | undefined> => {
    for (let block = await next(); block !== undefined; block = await next()) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block ?? '')?.[1];
      const type = field('event');
      if (type !== undefined)
        return { type, id: field('id') ?? '', data: JSON.parse(field('data') ?? 'null') };
    }
    return undefined;
  };
  const receipt = async () => {
    const told = await event();
    expect(told?.type).toBe('receipt');
    const { device, state, channelId } = receiptEvent.parse(told?.data);
    expect(channelId).toBe(bob.id);
    return [device, state];
  };
  return { answer, next, event, receipt, cancel: () => reader?.cancel() };
}

test('EV1 a stream tells what has happened, then each step on each device, then the end, and closes', async () => {
  const { id, version } = await send();
  await confirm(laptop, version);
  const stream = await follow(id);
  expect(stream.answer.headers.get('content-type')).toBe('text/event-stream');
  expect(await stream.receipt()).toEqual([laptop.id, 'received']);
  expect(await stream.receipt()).toEqual([laptop.id, 'confirmed']);
  await town.devices.acknowledge(phone, [{ outcome: 'taken', version: version as never }]);
  expect(await stream.receipt()).toEqual([phone.id, 'received']);
  await confirm(phone, version);
  expect(await stream.receipt()).toEqual([phone.id, 'confirmed']);
  expect((await stream.event())?.type).toBe('end');
  expect(await stream.event()).toBeUndefined();
});

test('EV1 a newer message, a device that leaves and the end of the TTL are told as they happen', async () => {
  const { id } = await send({ ttl: 60 });
  const stream = await follow(id);
  const newer = await send({ ttl: 90 });
  const second = await follow(newer.id);
  await confirm(laptop, newer.version);
  expect(await stream.receipt()).toEqual([laptop.id, 'superseded']);
  await town.receiving.signOutDevice('bob', phone.id);
  expect(await stream.receipt()).toEqual([phone.id, 'withdrawn']);
  expect((await stream.event())?.type).toBe('end');
  for (let told = 0; told < 3; told++) await second.receipt();
  expect((await second.event())?.type).toBe('end');

  const late = await send({ ttl: 30 });
  const waits = await follow(late.id);
  town.clock.advance(30_000);
  expect(await waits.receipt()).toEqual([laptop.id, 'expired']);
  expect((await waits.event())?.type).toBe('end');
});

test('EV2 whoever comes back is told the rest, with some overlap; after the end there is nothing to come back for', async () => {
  const { id, version } = await send();
  await confirm(laptop, version);
  const first = await follow(id);
  await first.receipt();
  await first.receipt();
  town.clock.advance(limits.eventOverlapMs + 1);
  await confirm(phone, version);
  const told = await first.event();
  await first.cancel();
  const seen = { 'Last-Event-ID': told?.id ?? '' };
  const again = await follow(id, seen);
  expect(await again.receipt()).toEqual([phone.id, 'received']);
  expect(await again.receipt()).toEqual([phone.id, 'confirmed']);
  const end = await again.event();
  expect(end?.type).toBe('end');
  expect((await follow(id, { 'Last-Event-ID': end?.id ?? '' })).answer.status).toBe(204);
  const stranger = await follow(id, { 'Last-Event-ID': 'of another server' });
  expect(await stranger.receipt()).toEqual([laptop.id, 'received']);
});

test('EV3 a silent stream sends a comment, and ends after an hour without saying that the message has ended', async () => {
  const { id } = await send();
  const stream = await follow(id);
  expect(await stream.next()).toStartWith('retry: ');
  town.clock.advance(limits.eventHeartbeatMs);
  expect(await stream.next()).toBe(': still here');
  town.clock.advance(limits.receiptStreamMs);
  expect(await stream.next()).toBe(': still here');
  expect(await stream.next()).toBeUndefined();
});

test('EV3 a project has a limited number of streams, and a closed one makes room', async () => {
  const { id } = await send();
  const streams = [];
  for (let n = 0; n < limits.eventStreamsPerProject; n++) streams.push(await follow(id));
  expect((await follow(id)).answer.status).toBe(429);
  town.rights.token('other', { project: 'another' });
  expect((await follow(id, {}, 'other')).answer.status).toBe(404);
  await streams[0]?.cancel();
  let status = 429;
  // The server hears of the closed connection a moment later.
  for (let tries = 0; status === 429 && tries < 200; tries++) status = (await follow(id)).answer.status;
  expect(status).toBe(200);
});

test('EV4 a stream is for who may read the state; when the right ends it says so and closes', async () => {
  const { id, version } = await send();
  town.rights.token('stranger', { project: 'another' });
  expect((await follow(id, {}, 'stranger')).answer.status).toBe(404);
  expect((await follow(id, {}, 'nobody')).answer.status).toBe(401);
  const stream = await follow(id);
  town.rights.groups.set('group', new Set());
  await confirm(laptop, version);
  const told = await stream.event();
  expect(told).toMatchObject({ type: 'problem', data: { code: 'app-not-owned', status: 403 } });
  expect(await stream.event()).toBeUndefined();
});
