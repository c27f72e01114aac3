import { describe, expect, test } from 'bun:test';
import { connect as connectTcp, type Socket } from 'node:net';
import fc from 'fast-check';
import { clientFrames, type McsClient } from '../../../dev-env/mcs-client.ts';
import { McsTown, type McsTownOptions } from '../../../dev-env/mcs-town.ts';
import { limits } from '../../../protocol/limits.ts';
import { tags } from './codec.ts';
import { nameOf } from './names.ts';
import { SWEEP_MS } from './session.ts';

const page = nameOf({
  category: 'org.chromium.linux',
  subtype: 'wp:https://site.example/#1-V2',
  sender: 'BKey',
  instance: '',
});
const other = nameOf({
  category: 'org.chromium.linux',
  subtype: 'wp:https://other.example/#2-V2',
  sender: 'BKey',
  instance: '',
});
const extension = nameOf({
  category: 'mfaehphpebmlbfdiegjnpidmibldjbjk',
  subtype: '',
  sender: '123',
  instance: '',
});
const texts = (client: McsClient) =>
  client.heard.filter(({ tag }) => tag === tags.data).map(({ body }) => Buffer.from(body).toString());

/** A town with a device that has one subscription. */
async function town(options: McsTownOptions = {}) {
  const refused: string[] = [];
  const ended: string[] = [];
  const mcs = await McsTown.start({
    ...options,
    events: {
      refused: (_door, code, detail) => refused.push(`${code}: ${detail}`),
      disconnected: (_device, _gateway, reason) => ended.push(reason),
      ...options.events,
    },
  });
  const device = mcs.device();
  const token = await mcs.pushes.pushes.subscribe(device.holder, page, null);
  const join = async (persistentIds: readonly string[] = []) => {
    const client = await mcs.connect();
    await client.login(device.id, device.token, persistentIds);
    return client;
  };
  /** How many messages still wait for the device. */
  const waiting = async () => {
    const [subscription] = await mcs.pushes.store.subscriptionsOf(device.holder);
    if (subscription === undefined) throw new Error('no subscription');
    return (await mcs.pushes.store.missed(subscription.key, 1_000)).kept.length;
  };
  /** Lets sweeps pass until so much time has gone by. */
  const sweep = (ms: number) => {
    for (let gone = 0; gone <= ms; gone += SWEEP_MS) mcs.pushes.clock.advance(SWEEP_MS);
  };
  return {
    mcs,
    device,
    token,
    join,
    waiting,
    sweep,
    refused,
    ended,
    [Symbol.asyncDispose]: () => mcs[Symbol.asyncDispose](),
  };
}

describe('logging in', () => {
  test('MC6 a good login is answered with the heartbeat, a bad one with an error and the end', async () => {
    await using t = await town({ heartbeatMs: 7_000 });
    const good = await t.mcs.connect();
    expect(await good.login(t.device.id, t.device.token)).toMatchObject({
      error: 0,
      heartbeatMs: 7_000,
      received: 1,
    });
    for (const [id, token] of [
      [t.device.id, '1'],
      ['1', t.device.token],
      ['', ''],
    ] as const) {
      const bad = await t.mcs.connect();
      expect((await bad.login(id, token)).error).toBe(401);
      await bad.closed;
    }
    const mixed = await t.mcs.connect();
    mixed.write(Uint8Array.of(41), clientFrames.login(t.device.id, t.device.token, [], '5'));
    await mixed.closed;
    expect(mixed.heard).toMatchObject([{ error: 401 }]);
    expect(t.refused).toHaveLength(4);
  });

  test('MC7 the first frame must be a login, and comes once', async () => {
    await using t = await town();
    const early = await t.mcs.connect();
    early.write(Uint8Array.of(41), clientFrames.ping(0));
    await early.closed;
    expect(early.heard.map(({ tag }) => tag)).toEqual([tags.close]);
    const twice = await t.join();
    twice.write(clientFrames.login(t.device.id, t.device.token));
    await twice.closed;
    expect(t.refused).toEqual(['connection: the first frame must be a login']);
    expect(t.ended).toEqual(['a login comes once']);
  });

  test('MC7 a connection that does not log in is closed after 10 s, one that does stays', async () => {
    await using t = await town();
    const mute = await t.mcs.connect();
    mute.write(Uint8Array.of(41));
    const joined = await t.join();
    t.sweep(limits.helloMs + SWEEP_MS);
    await mute.closed;
    joined.write(clientFrames.ping(joined.heard.length));
    await joined.until(tags.pong);
    expect(t.refused).toEqual(['connection: no login came']);
  });

  test('MC7 a peer that never finishes its TLS handshake, and one that drips, are closed too', async () => {
    await using t = await town();
    const slow = await new Promise<Socket>((resolve) => {
      const socket = connectTcp(t.mcs.room.port ?? 0, '127.0.0.1', () => resolve(socket));
    });
    const closed = new Promise((resolve) => slow.on('close', resolve));
    slow.on('error', () => {});
    slow.write(Uint8Array.of(22, 3, 1));
    const dripping = await t.mcs.connect();
    dripping.write(Uint8Array.of(41, tags.login, 100));
    // The third connection is heard after the other two.
    await t.join();
    for (let ms = 0; ms <= limits.helloMs + 3 * SWEEP_MS; ms += SWEEP_MS) {
      dripping.write(Uint8Array.of(0));
      t.mcs.pushes.clock.advance(SWEEP_MS);
    }
    await dripping.closed;
    await closed;
  });

  test('MC7 an address with too many connections without a login gets no further one until one logs in', async () => {
    await using t = await town();
    const held = await Promise.all(Array.from({ length: limits.halfOpenPerAddress }, () => t.mcs.connect()));
    const [first] = held;
    await expect(t.mcs.connect()).rejects.toThrow();
    await first?.login(t.device.id, t.device.token);
    const further = await t.mcs.connect();
    await Promise.all([...held, further].map((one) => one.cut()));
    expect(t.refused.some((line) => line.startsWith('rate-limited'))).toBe(true);
  });

  test('MC6 a storm of logins is answered one by one', async () => {
    await using t = await town();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const { id, token } = t.mcs.device();
        return (await (await t.mcs.connect()).login(id, token)).error;
      }),
    );
    expect(answers.every((error) => error === 0)).toBe(true);
  });
});

describe('delivering', () => {
  test('MC13 what waited comes after the login, in order, then each as it is accepted', async () => {
    await using t = await town();
    const waited = [await t.mcs.push(t.token, 'one'), await t.mcs.push(t.token, 'two')];
    const client = await t.join();
    await client.until(tags.data, 2);
    const live = await t.mcs.push(t.token, 'three');
    const messages = await client.until(tags.data, 3);
    expect(texts(client)).toEqual(['one', 'two', 'three']);
    expect(messages.map(({ persistentId }) => Number(persistentId.split('.')[1]))).toEqual([...waited, live]);
    expect(messages.every(({ immediateAck, from }) => immediateAck && from === 'BKey')).toBe(true);
    expect(client.heard[0]?.tag).toBe(tags.loggedIn);
  });

  test('MC13 a subscription that is made while the device is connected joins', async () => {
    await using t = await town();
    const client = await t.join();
    const token = await t.mcs.pushes.pushes.subscribe(t.device.holder, other, null);
    await t.mcs.push(token, 'from the other site');
    await client.until(tags.data);
    expect(texts(client)).toEqual(['from the other site']);
  });

  test('MC14 a count of frames confirms, and what is confirmed does not come again', async () => {
    await using t = await town();
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    await client.until(tags.data);
    expect(await t.waiting()).toBe(1);
    client.acknowledge();
    await client.until(tags.iq);
    expect(await t.waiting()).toBe(0);
    await client.cut();
    const again = await t.join();
    await t.mcs.push(t.token, 'two');
    await again.until(tags.data);
    expect(texts(again)).toEqual(['two']);
  });

  test('MC14 a selective ack confirms those that it names', async () => {
    await using t = await town();
    for (const text of ['one', 'two', 'three']) await t.mcs.push(t.token, text);
    const client = await t.join();
    const messages = await client.until(tags.data, 3);
    client.write(clientFrames.selectiveAck([messages[1]?.persistentId ?? '', 'nobody.5'], 1));
    await client.until(tags.iq);
    await client.cut();
    const again = await t.join();
    await again.until(tags.data, 2);
    expect(texts(again)).toEqual(['one', 'three']);
  });

  test('MC14 what the login lists as received is confirmed and the rest comes again with the same ids', async () => {
    await using t = await town();
    for (const text of ['one', 'two', 'three']) await t.mcs.push(t.token, text);
    const client = await t.join();
    const ids = (await client.until(tags.data, 3)).map(({ persistentId }) => persistentId);
    await client.cut();
    const again = await t.join([ids[0] ?? '', ids[2] ?? '', 'nobody.1', 'x', '', '.', `${ids[0]}0`]);
    const [second] = await again.until(tags.data);
    expect(second?.persistentId).toBe(ids[1] ?? '');
    expect(await t.waiting()).toBe(1);
    expect(texts(again)).toEqual(['two']);
  });

  test('MC14 ids of another device are nothing to this one', async () => {
    await using t = await town();
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    const [message] = await client.until(tags.data);
    const stranger = t.mcs.device();
    const thief = await t.mcs.connect();
    await thief.login(stranger.id, stranger.token, [message?.persistentId ?? '']);
    expect(await t.waiting()).toBe(1);
  });

  test('MC27 chrome.gcm is told once that messages expired, and again for as long as it has not acknowledged', async () => {
    await using t = await town();
    const token = await t.mcs.pushes.pushes.subscribe(t.device.holder, extension, null);
    const heard = (client: McsClient) =>
      client.heard.flatMap(({ tag, appData }) => (tag === tags.data ? [appData] : []));
    const deleted = { message_type: 'deleted_messages' };
    const expire = async (to: string) => {
      for (const text of ['one', 'two']) await t.mcs.push(to, text);
      t.mcs.pushes.clock.advance(600_000);
    };
    // What a page missed is not told: its push event has no word for it.
    await expire(t.token);
    await expire(token);
    await t.mcs.push(token, 'waits');
    const ids: (readonly string[])[] = [];
    for (let round = 0; round < 2; round += 1) {
      const client = await t.join();
      ids.push((await client.until(tags.data, 2)).map(({ persistentId }) => persistentId));
      expect(heard(client)).toEqual([deleted, { payload: 'waits' }]);
      if (round === 1) {
        client.acknowledge();
        await client.until(tags.iq);
      }
      await client.cut();
    }
    expect(ids[0]).toEqual(ids[1] ?? []);
    await expire(token);
    const third = await t.join();
    const [next] = await third.until(tags.data);
    await third.cut();
    // It is acknowledged by the list of the next login as well.
    const last = await t.join([next?.persistentId ?? '']);
    await t.mcs.push(token, 'now');
    await last.until(tags.data);
    expect([heard(third), heard(last)]).toEqual([[deleted], [{ payload: 'now' }]]);
  });

  test('MC20 a subscription that ends takes its messages along, the others stay', async () => {
    await using t = await town();
    const token = await t.mcs.pushes.pushes.subscribe(t.device.holder, other, null);
    const client = await t.join();
    await t.mcs.pushes.pushes.unsubscribe(t.device.holder, page);
    await t.mcs.push(token, 'still here');
    await client.until(tags.data);
    client.acknowledge();
    await client.until(tags.iq);
  });

  test('MC19 50 messages go out and no more until some are acknowledged; then all come, in order, once', async () => {
    await using t = await town();
    const all = Array.from({ length: 230 }, (_, n) => String(n));
    for (const text of all) await t.mcs.push(t.token, text);
    const client = await t.join();
    await client.until(tags.data, limits.mcsInFlight);
    client.write(clientFrames.ping(1));
    await client.until(tags.pong);
    expect(texts(client)).toHaveLength(limits.mcsInFlight);
    for (let n = 1; texts(client).length < all.length; n++) {
      client.acknowledge();
      await client.until(tags.data, Math.min(all.length, limits.mcsInFlight + n));
    }
    client.acknowledge();
    // Answers to earlier acknowledgements came before: what follows this one shows that it was heard.
    client.write(clientFrames.ping(2));
    await client.until(tags.pong, 2);
    expect(texts(client)).toEqual(all);
    await client.cut();
    expect(await t.waiting()).toBe(0);
  });

  test('MC19 a message that is on its way is not written again when its time to be offered comes', async () => {
    await using t = await town();
    const client = await t.join();
    await t.mcs.push(t.token, 'one');
    await client.until(tags.data);
    t.mcs.pushes.clock.advance(limits.reofferMs + 1);
    client.write(clientFrames.ping(1));
    await client.until(tags.pong);
    expect(texts(client)).toEqual(['one']);
  });

  test('MC19 a client that acknowledges nothing for a minute is closed, though it pings', async () => {
    await using t = await town();
    const client = await t.join();
    await t.mcs.push(t.token, 'one');
    await client.until(tags.data);
    for (let ms = 0; ms <= limits.mcsUnacknowledgedMs; ms += SWEEP_MS) {
      client.write(clientFrames.ping(1));
      await client.until(tags.pong, ms / SWEEP_MS + 1);
      t.mcs.pushes.clock.advance(SWEEP_MS);
    }
    t.mcs.pushes.clock.advance(SWEEP_MS);
    await client.closed;
    expect(t.ended).toEqual(['too slow']);
  });
});

describe('acknowledging', () => {
  test('MC15 a frame is told as received only when its confirms are kept', async () => {
    await using t = await town();
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    await client.until(tags.data);
    const { store } = t.mcs.pushes;
    const keep = Promise.withResolvers<void>();
    const confirm = store.confirm.bind(store);
    store.confirm = async (device, version) => {
      await keep.promise;
      return confirm(device, version);
    };
    client.acknowledge();
    client.write(clientFrames.ping(client.heard.length));
    const [pong] = await client.until(tags.pong);
    expect(pong?.received).toBe(1);
    keep.resolve();
    const [told] = await client.until(tags.iq);
    expect(told?.received).toBe(3);
  });

  test('MC15 when a confirm cannot be kept the connection ends, and the client lists it at its return', async () => {
    await using t = await town({ events: { failed: () => {} } });
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    const [message] = await client.until(tags.data);
    const { store } = t.mcs.pushes;
    const confirm = store.confirm.bind(store);
    store.confirm = () => Promise.reject(new Error('the disk'));
    client.acknowledge();
    await client.closed;
    store.confirm = confirm;
    const again = await t.join([message?.persistentId ?? '']);
    expect(await t.waiting()).toBe(0);
    expect(texts(again)).toEqual([]);
  });

  test('MC15 a login whose acks cannot be kept is not answered', async () => {
    await using t = await town({ events: { failed: () => {} } });
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    const [message] = await client.until(tags.data);
    t.mcs.pushes.store.confirm = () => Promise.reject(new Error('the disk'));
    const again = await t.mcs.connect();
    await expect(again.login(t.device.id, t.device.token, [message?.persistentId ?? ''])).rejects.toThrow();
    expect(again.heard.map(({ tag }) => tag)).toEqual([tags.close]);
  });

  test('MC16 an ack of frames that were never sent ends the connection', async () => {
    await using t = await town();
    const client = await t.join();
    client.write(clientFrames.streamAck(2));
    await client.closed;
    expect(t.ended).toEqual(['it acknowledges frames that were never sent']);
  });

  test('MC16 10,000 acks change nothing', async () => {
    await using t = await town();
    await t.mcs.push(t.token, 'one');
    const client = await t.join();
    await client.until(tags.data);
    const acks = Buffer.concat(
      Array.from({ length: limits.clientFrames - 1 }, () => clientFrames.selectiveAck(['nobody.1'], 1)),
    );
    for (let n = 1; n <= 10; n++) {
      client.write(acks, clientFrames.ping(1));
      await client.until(tags.pong, n);
      t.sweep(0);
    }
    expect(await t.waiting()).toBe(1);
    client.acknowledge();
    client.write(clientFrames.ping(1));
    await client.until(tags.pong, 11);
    expect(await t.waiting()).toBe(0);
  }, 20_000);

  test('MC17 a message of chrome.gcm.send is acknowledged and answered with its error', async () => {
    await using t = await town();
    const client = await t.join();
    client.write(clientFrames.upstream('up', 'abc', 1));
    const [answer] = await client.until(tags.data);
    expect(answer).toMatchObject({ category: 'abc', persistentId: 'up' });
    expect(answer?.appData.message_type).toBe('send_error');
    const [told] = await client.until(tags.iq);
    expect(told?.received).toBe(2);
  });
});

describe('staying and ending', () => {
  test('MC18 a ping is answered, with the count of frames', async () => {
    await using t = await town();
    const client = await t.join();
    client.write(clientFrames.ping(1), clientFrames.ping(1));
    const pongs = await client.until(tags.pong, 2);
    expect(pongs.map(({ received }) => received)).toEqual([1, 2]);
  });

  test('MC18 a client that is silent for the interval and a minute is closed, one that pings stays', async () => {
    await using t = await town({ heartbeatMs: 20_000 });
    const silent = await t.join();
    const { id, token } = t.mcs.device();
    const pinging = await t.mcs.connect();
    await pinging.login(id, token);
    for (let ms = 0; ms <= 20_000 + limits.mcsSpareMs; ms += SWEEP_MS) {
      pinging.write(clientFrames.ping(1));
      await pinging.until(tags.pong, ms / SWEEP_MS + 1);
      t.mcs.pushes.clock.advance(SWEEP_MS);
    }
    await silent.closed;
    expect(silent.heard.at(-1)?.tag).toBe(tags.close);
    pinging.write(clientFrames.ping(1));
    await pinging.until(tags.pong, 18);
    expect(t.ended).toEqual(['silent']);
  });

  test('MC20 a newer connection of the device closes the older and gets what comes', async () => {
    await using t = await town();
    const older = await t.join();
    const newer = await t.join();
    await older.closed;
    expect(older.heard.at(-1)?.tag).toBe(tags.close);
    await t.mcs.push(t.token, 'one');
    await newer.until(tags.data);
    expect(t.ended).toEqual(['replaced']);
  });

  test('MC20 a client that says close is let go', async () => {
    await using t = await town();
    const client = await t.join();
    client.write(clientFrames.close());
    await client.closed;
    expect(t.ended).toEqual(['closed by the client']);
  });

  test('MC20 a shutdown closes all with a Close frame, and what was not acknowledged comes after the restart', async () => {
    await using t = await town();
    const client = await t.join();
    const half = await t.mcs.connect();
    await t.mcs.push(t.token, 'one');
    await client.until(tags.data);
    await t.mcs.room.drain();
    await Promise.all([client.closed, half.closed]);
    expect(client.heard.at(-1)?.tag).toBe(tags.close);
    await expect(t.mcs.connect()).rejects.toThrow();

    await using restarted = await McsTown.start({ store: t.mcs.pushes.store });
    const again = await restarted.connect();
    await again.login(t.device.id, t.device.token);
    await again.until(tags.data);
    expect(texts(again)).toEqual(['one']);
  });

  test('MC2 random bytes end their connection, and nothing else', async () => {
    await using t = await town();
    const steady = await t.join();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (junk) => {
        const client = await t.mcs.connect();
        // A byte that is no version makes sure that it ends.
        client.write(Uint8Array.of(1), junk);
        await client.closed;
      }),
      { seed: 2, numRuns: 25 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (junk) => {
        const { id, token } = t.mcs.device();
        const client = await t.mcs.connect();
        await client.login(id, token);
        client.write(Uint8Array.of(9, 0), junk);
        await client.closed;
      }),
      { seed: 3, numRuns: 25 },
    );
    await t.mcs.push(t.token, 'still here');
    await steady.until(tags.data);
    expect(t.refused).toHaveLength(25);
  });

  test('MC2 a frame over the limit ends its connection with one event, one that is cut off with none', async () => {
    await using t = await town();
    const steady = await t.join();
    const early = await t.mcs.connect();
    // The length alone says it: 2 MB.
    early.write(Uint8Array.of(41, tags.login, 0x80, 0x80, 0x80, 0x01));
    await early.closed;
    const { id, token } = t.mcs.device();
    const late = await t.mcs.connect();
    await late.login(id, token);
    late.write(Uint8Array.of(tags.iq, 0xff, 0xff, 0xff, 0xff, 0xff));
    await late.closed;
    const login = clientFrames.login(t.device.id, t.device.token);
    for (let length = 0; length < login.length; length += 7) {
      const cut = await t.mcs.connect();
      cut.write(Uint8Array.of(41), login.subarray(0, length));
      await cut.cut();
    }
    await t.mcs.push(t.token, 'still here');
    await steady.until(tags.data);
    expect(t.refused).toEqual(['connection: a frame is too long']);
    expect(t.ended).toEqual(['a frame is too long']);
  });

  test('MC19 a client that does not read costs a bounded buffer', async () => {
    await using t = await town();
    const client = await t.join();
    client.pause();
    const big = 'x'.repeat(4_000);
    for (let n = 0; n < 200; n++) await t.mcs.push(t.token, `${n} ${big}`);
    client.resume();
    await client.until(tags.data, limits.mcsInFlight);
    client.acknowledge();
    await client.until(tags.data, limits.mcsInFlight + 1);
  });

  test('OL2 while memory is scarce no connection comes in, and those that stand go on', async () => {
    const load = { tight: false };
    await using t = await town({ load });
    const client = await t.join();
    load.tight = true;
    const refused = await t.mcs.connect().catch(() => undefined);
    await refused?.closed;
    expect(t.refused.at(-1)).toContain('memory');
    await t.mcs.push(t.token, 'still here');
    await client.until(tags.data);
  });
});

describe('opening the port', () => {
  test('MC21 a port that is taken stops the start with a text that names the flag', async () => {
    await using t = await town();
    await expect(McsTown.start({ port: t.mcs.room.port ?? 0 })).rejects.toThrow('--mcs-port');
  });
});
