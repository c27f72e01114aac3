import { describe, expect, test } from 'bun:test';
import { clientFrames, decodeServerFrame, type Heard } from '../../../dev-env/mcs-client.ts';
import { McsTown } from '../../../dev-env/mcs-town.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Hold } from '../../core/holdings.ts';
import { HalfOpen } from '../../doors/half-open.ts';
import { silentEvents } from '../../observe/events.ts';
import { type ClientFrame, decodeClientFrame, tags } from './codec.ts';
import { FrameReader } from './frame-reader.ts';
import { nameOf } from './names.ts';
import { type House, type Line, Session } from './session.ts';

const name = nameOf({
  category: 'org.chromium.linux',
  subtype: 'wp:https://site.example/#1-V2',
  sender: 'B',
  instance: '',
});

/** A line that writes down what it is given; `unsent` is set by hand. */
class WrittenLine implements Line {
  unsent = 0;
  ended = false;
  readonly #reader = new FrameReader<Heard>(decodeServerFrame);
  readonly heard: Heard[] = [];

  write(bytes: Uint8Array): void {
    for (const frame of this.#reader.push(bytes)) if (!('type' in frame)) this.heard.push(frame);
  }

  end(): void {
    this.ended = true;
  }

  get tags(): readonly number[] {
    return this.heard.map(({ tag }) => tag);
  }
}

async function room(change: Partial<House> = {}) {
  const town = await McsTown.start();
  const { store, holdings, clock, pushes } = town.pushes;
  const device = town.device();
  const token = await pushes.subscribe(device.holder, name, null);
  const house: House = {
    keys: town.keys,
    holdings,
    store,
    clock,
    events: silentEvents,
    halfOpen: new HalfOpen(2),
    heartbeatMs: 240_000,
    sweeps: 1,
    ...change,
  };
  const line = new WrittenLine();
  const session = new Session(house, 'here');
  session.opened(line);
  const say = async (bytes: Uint8Array) => {
    const [frame] = new FrameReader<ClientFrame>(decodeClientFrame).push(
      Buffer.concat([Uint8Array.of(41), bytes]),
    );
    if (frame !== undefined) await session.receive(frame);
  };
  const login = clientFrames.login(device.id, device.token);
  /** Settles when everything that was begun has been done. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    town,
    device,
    house,
    line,
    session,
    say,
    login,
    settle,
    push: (text: string) => town.push(token, text),
    [Symbol.asyncDispose]: () => town[Symbol.asyncDispose](),
  };
}

describe('the machine', () => {
  test('MC7 counts as half open until the login, and as nothing after the end', async () => {
    await using one = await room();
    expect(one.house.halfOpen.size).toBe(1);
    await one.say(one.login);
    expect(one.house.halfOpen.size).toBe(0);
    await using two = await room();
    two.session.closed();
    expect(two.house.halfOpen.size).toBe(0);
    await using refused = await room();
    await refused.say(clientFrames.login('1', '2'));
    expect(refused.house.halfOpen.size).toBe(0);
    expect(refused.line.ended).toBe(true);
  });

  test('MC7 frames between the login and its answer end the connection', async () => {
    await using t = await room();
    const login = t.session.receive({
      type: 'login',
      id: '',
      user: t.device.id,
      resource: t.device.id,
      authToken: t.device.token,
      persistentIds: ['a.1'],
    });
    await t.session.receive({ type: 'ping', received: 0 });
    await login;
    expect(t.line.tags).toEqual([tags.close]);
  });

  test('MC20 after the end nothing is written and nothing is offered', async () => {
    await using t = await room();
    await t.say(t.login);
    await t.settle();
    t.session.close('going-away');
    t.session.close('again');
    await t.push('late');
    await t.say(clientFrames.ping(1));
    await t.settle();
    expect(t.line.tags).toEqual([tags.loggedIn, tags.close]);
    expect(t.town.pushes.holdings.isHeld(t.device.holder)).toBe(false);
  });

  test('MC20 a connection that is lost without a word leaves no hold', async () => {
    await using t = await room();
    await t.say(t.login);
    t.session.closed();
    await t.settle();
    expect(t.town.pushes.holdings.isHeld(t.device.holder)).toBe(false);
  });

  test('MC20 when the subscriptions cannot be read the connection ends, so that the browser comes back', async () => {
    const failed: unknown[] = [];
    const holdings = {
      hold: (): Promise<Hold> => Promise.reject(new Error('the disk')),
      release: async () => {},
    };
    await using t = await room({
      holdings,
      events: { ...silentEvents, failed: (_, error) => failed.push(error) },
    });
    await t.say(t.login);
    await t.settle();
    expect(t.line.tags).toEqual([tags.loggedIn, tags.close]);
    expect(failed[0]).toEqual(new Error('the disk'));
  });

  test('MC19 a full line takes nothing until it has drained', async () => {
    await using t = await room();
    await t.say(t.login);
    await t.settle();
    t.line.unsent = limits.socketBufferBytes + 1;
    await t.push('one');
    await t.settle();
    t.session.drained();
    await t.settle();
    expect(t.line.tags).toEqual([tags.loggedIn]);
    t.line.unsent = 0;
    t.session.drained();
    await t.settle();
    expect(t.line.tags).toEqual([tags.loggedIn, tags.data]);
  });

  test('MC15 a frame that answers ours is not answered', async () => {
    await using t = await room();
    await t.say(t.login);
    await t.say(clientFrames.pong(1));
    expect(t.line.tags).toEqual([tags.loggedIn]);
  });
});
