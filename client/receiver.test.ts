import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { createListeners, type Listener } from './listeners.ts';
import { ManualTimers, settle } from './manual-timers.ts';
import type { Marks, Offer } from './ports.ts';
import { createReceiver, graceMs, noListener, runMs } from './receiver.ts';

const offer = (version: number, subchannelId = 0, payload = `v${version}`): Offer => ({
  version: version as Version,
  subchannelId,
  payload,
});

/** A receiver with everything around it written down in the order of its happening. */
function workshop(initial: Marks = {}) {
  const said: string[] = [];
  const timers = new ManualTimers();
  const disk = { marks: initial, broken: false, unreadable: 0 };
  let awake = 0;
  const listeners = createListeners(
    (error) => said.push(`reported ${String(error)}`),
    (count) => {
      if (count > 0) receiver.listening();
    },
  );
  const receiver = createReceiver({
    marks: {
      load: async () => {
        if (disk.unreadable-- > 0) throw new Error('unreadable');
        return disk.marks;
      },
      save: async (marks) => {
        if (disk.broken) throw new Error('disk full');
        disk.marks = { ...marks };
        said.push(`mark ${JSON.stringify(marks)}`);
      },
    },
    handlers: { any: () => listeners.event.hasListeners(), run: listeners.run },
    upstream: {
      taken: (version) => said.push(`taken ${version}`),
      confirm: (version) => said.push(`confirm ${version}`),
      refuse: (version, kind, reason) => said.push(`refuse ${version} ${kind}: ${reason}`),
    },
    timers,
    awake: () => {
      awake += 1;
      return () => {
        awake -= 1;
      };
    },
    complain: (line) => said.push(`complaint ${line}`),
  });
  const listen = (listener: Listener): void => listeners.event.addListener(listener);
  const runs = (): string[] => said.filter((line) => line.startsWith('run'));
  return { said, timers, disk, receiver, listeners, listen, runs, awake: () => awake };
}

/** A handler that notes its runs and ends them when told. */
function slowHandler(said: string[]) {
  const ends: { end: () => void; fail: (error: unknown) => void }[] = [];
  const handler: Listener = ({ payload }) => {
    said.push(`run ${payload}`);
    return new Promise<void>((resolve, reject) => ends.push({ end: resolve, fail: reject }));
  };
  return { handler, ends };
}

test('CL14 the mark is written after the run and before the confirm leaves', async () => {
  const { said, receiver, listen } = workshop();
  listen(({ payload }) => void said.push(`run ${payload}`));
  void receiver.offer(offer(7, 2));
  await settle();
  assert.deepEqual(said, ['taken 7', 'run v7', 'mark {"2":7}', 'confirm 7']);
});

test('SB3 subchannels above three have marks of their own', async () => {
  const { said, receiver, listen, runs, disk } = workshop({ '3': 50 });
  listen(({ payload, subchannelId }) => void said.push(`run ${payload} [${subchannelId}]`));
  for (const one of [offer(7, 31), offer(4, 4), offer(6, 31)]) void receiver.offer(one);
  void receiver.offer({ ...offer(5, 31), collapse: false });
  await settle();
  assert.deepEqual(runs().toSorted(), ['run v4 [4]', 'run v5 [31]', 'run v7 [31]']);
  assert.deepEqual(disk.marks, { '3': 50, '4': 4, '31': 7, q31: [5] });
});

const queued = (version: number): Offer => ({ ...offer(version), collapse: false });

test('VT15 of a queue each message runs once, in the order in which it came, also one below a newer one', async () => {
  const { receiver, listen, runs, said, disk } = workshop({ '0': 50 });
  const failing = new Set(['v3']);
  listen(({ payload }) => {
    said.push(`run ${payload}`);
    if (failing.delete(payload)) throw new Error('not yet');
  });
  for (const version of [3, 4, 5]) void receiver.offer(queued(version));
  await settle();
  void receiver.offer(queued(3));
  void receiver.offer(queued(4));
  await settle();
  assert.deepEqual(runs(), ['run v3', 'run v4', 'run v5', 'run v3']);
  assert.deepEqual(disk.marks, { '0': 50, q0: [4, 5, 3] });
  assert.equal(said.at(-1), 'confirm 4');
});

test('VT15 a queue and what collapses on its subchannel pass nothing over for each other, and take turns', async () => {
  const { receiver, listen, runs, said } = workshop();
  const { handler, ends } = slowHandler(said);
  listen(handler);
  void receiver.offer(queued(9));
  void receiver.offer(offer(8));
  await settle();
  assert.deepEqual(runs(), ['run v9']);
  ends[0]?.end();
  await settle();
  assert.deepEqual(runs(), ['run v9', 'run v8']);
});

test('VT15 all of a queue is held until somebody listens', async () => {
  const { receiver, listen, runs, said } = workshop();
  for (const version of [3, 4]) void receiver.offer(queued(version));
  await settle();
  listen(({ payload }) => void said.push(`run ${payload}`));
  await settle();
  assert.deepEqual(runs(), ['run v3', 'run v4']);
});

test('VT15 the last hundred of a queue are remembered', async () => {
  const { receiver, listen, disk } = workshop();
  listen(() => {});
  for (let version = 1; version <= 101; version++) void receiver.offer(queued(version));
  await receiver.settled();
  assert.equal((disk.marks.q0 as number[]).length, 100);
});

test('CL14 a version at the mark is confirmed again, one below it passed over, and neither runs', async () => {
  const { said, receiver, listen } = workshop({ '1': 7 });
  listen(() => void said.push('run'));
  void receiver.offer(offer(7, 1));
  void receiver.offer(offer(6, 1));
  await settle();
  assert.deepEqual(said, ['confirm 7']);
});

test('CL14 a mark that cannot be written does not keep the confirm back', async () => {
  const { said, disk, receiver, listen } = workshop();
  disk.broken = true;
  listen(() => {});
  void receiver.offer(offer(1));
  await settle();
  assert.deepEqual(said, ['taken 1', 'complaint Error: disk full', 'confirm 1']);
});

test('CL14 marks that cannot be read: nothing is run, and they are read again for the next offer', async () => {
  const { said, disk, receiver, listen } = workshop({ '0': 3 });
  disk.unreadable = 1;
  listen(() => void said.push('run'));
  void receiver.offer(offer(3));
  await settle();
  assert.deepEqual(said, ['complaint Error: unreadable']);
  void receiver.offer(offer(3));
  await settle();
  assert.equal(said.at(-1), 'confirm 3');
});

test('CL15 messages of one subchannel run one at a time and in rising order, other subchannels beside them', async () => {
  const { said, receiver, listen, runs } = workshop();
  const { handler, ends } = slowHandler(said);
  listen(handler);
  void receiver.offer(offer(1, 0));
  void receiver.offer(offer(2, 0));
  void receiver.offer(offer(3, 1));
  await settle();
  assert.deepEqual(runs(), ['run v1', 'run v3']);
  ends[0]?.end();
  await settle();
  assert.deepEqual(runs(), ['run v1', 'run v3', 'run v2']);
});

test('CL16 a version in hand is dropped however often it is offered', async () => {
  const { said, receiver, listen, runs } = workshop();
  const { handler, ends } = slowHandler(said);
  listen(handler);
  for (let i = 0; i < 4; i++) void receiver.offer(offer(1));
  await settle();
  ends[0]?.end();
  await settle();
  assert.deepEqual(runs(), ['run v1']);
  assert.equal(said.filter((line) => line === 'confirm 1').length, 1);
});

test('CL17 a failed run is refused with its reason, leaves the mark, and the version runs again when it is offered again', async () => {
  const { said, receiver, listen, disk } = workshop();
  let runs = 0;
  listen(async () => {
    runs += 1;
    if (runs === 1) throw new Error('no network');
  });
  void receiver.offer(offer(5));
  await settle();
  assert.deepEqual(said, ['taken 5', 'reported Error: no network', 'refuse 5 failed: Error: no network']);
  assert.deepEqual(disk.marks, {});
  void receiver.offer(offer(5));
  await settle();
  assert.equal(said.at(-1), 'confirm 5');
  assert.equal(runs, 2);
});

test('CL17 a handler that rejects without a reason has failed all the same', async () => {
  const { said, receiver, listen } = workshop();
  listen(() => Promise.reject());
  void receiver.offer(offer(5));
  await settle();
  assert.equal(said.at(-1), 'refuse 5 failed: No reason was given.');
});

test('CL18 the program is kept awake while a handler runs, and a run of more than 4 minutes has failed', async () => {
  const { said, receiver, listen, timers, awake } = workshop();
  const { handler } = slowHandler(said);
  listen(handler);
  void receiver.offer(offer(1));
  await timers.pass(runMs - 1);
  assert.equal(awake(), 1);
  await timers.pass(1);
  assert.equal(awake(), 0);
  assert.equal(said.at(-1), 'refuse 1 failed: The handler did not end within 4 minutes.');
});

test('CL1 a listener that comes late gets everything held: the newest of each subchannel, in the order of versions', async () => {
  const { said, receiver, listen, timers, runs, awake } = workshop();
  for (const one of [offer(4, 1), offer(1, 0), offer(2, 0), offer(3, 3)]) void receiver.offer(one);
  await timers.pass(3_000);
  assert.equal(awake(), 1);
  listen(({ subchannelId, payload }) => void said.push(`run ${payload} [${subchannelId}]`));
  await settle();
  assert.deepEqual(runs(), ['run v2 [0]', 'run v3 [3]', 'run v4 [1]']);
  assert.equal(awake(), 0);
  assert.equal(timers.pending, 0);
});

test('CL19 nobody listens for 25 seconds: one line that names the cure, and every held version is refused, which is no run', async () => {
  const { said, receiver, timers, awake } = workshop();
  void receiver.offer(offer(1, 0));
  void receiver.offer(offer(2, 1));
  await timers.pass(graceMs - 1);
  assert.deepEqual(said, []);
  await timers.pass(1);
  assert.deepEqual(said, [
    `complaint ${noListener}`,
    'refuse 1 no-listener: Nobody listened.',
    'refuse 2 no-listener: Nobody listened.',
  ]);
  assert.equal(awake(), 0);
});

test('CL19 what comes after the grace is refused at once, without a second line, and still held for a late listener', async () => {
  const { said, receiver, timers, listen, runs } = workshop();
  await timers.pass(graceMs);
  void receiver.offer(offer(1));
  await settle();
  void receiver.offer(offer(2));
  await settle();
  assert.deepEqual(said.slice(1), [
    'refuse 1 no-listener: Nobody listened.',
    'refuse 2 no-listener: Nobody listened.',
  ]);
  listen(({ payload }) => void said.push(`run ${payload}`));
  await settle();
  assert.deepEqual(runs(), ['run v2']);
});

test('CL20 a version older than one that was shown is not run', async () => {
  const { said, receiver, listen, runs } = workshop();
  listen(({ payload }) => {
    said.push(`run ${payload}`);
    throw new Error('always');
  });
  void receiver.offer(offer(6));
  void receiver.offer(offer(5));
  await settle();
  assert.deepEqual(runs(), ['run v6']);
  assert.equal(
    said.some((line) => line.includes('5')),
    false,
  );
});

test("CL20 another user's channel: marks and what was shown of the one before are void", async () => {
  const { said, receiver, listen, disk } = workshop({ '0': 9 });
  listen(() => {});
  void receiver.offer(offer(9));
  await settle();
  disk.marks = {};
  receiver.forget();
  void receiver.offer(offer(2));
  await settle();
  assert.deepEqual(said.slice(-3), ['taken 2', 'mark {"0":2}', 'confirm 2']);
});

test('PT7 a version that is offered again while it runs is answered "taken" again', async () => {
  const { said, receiver, listen } = workshop();
  let end = (): void => {};
  listen(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  void receiver.offer(offer(1));
  await settle();
  void receiver.offer(offer(1));
  end();
  await receiver.settled();
  assert.deepEqual(said, ['taken 1', 'taken 1', 'mark {"0":1}', 'confirm 1']);
});
