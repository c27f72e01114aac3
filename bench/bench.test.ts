import { expect, test } from 'bun:test';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Outcome } from './figure.ts';
import { measureDeliveries } from './figures/e2e.ts';
import { measureFanout } from './figures/fanout.ts';
import { measureGrowth } from './figures/growth.ts';
import { bytesPerDevice } from './figures/idle.ts';
import { measureStorm } from './figures/storm.ts';
import { bare } from './idle-servers.ts';
import { describeMachine } from './machine.ts';
import { readOptions } from './options.ts';
import { aedes, socketIo } from './peers/node-peers.ts';
import { startPeers } from './peers/start-peers.ts';
import { cpuSeconds, residentBytes } from './processes.ts';
import { failures, type Report, writeJson, writeResults } from './report.ts';
import { interleave, median } from './rounds.ts';

const names = ['accept', 'idle'];

test('BE2 the words behind `npm run bench --` choose size, figures and file; others are refused', () => {
  expect(readOptions([], names)).toEqual({
    quick: false,
    only: [],
    json: undefined,
    results: 'bench/results',
  });
  expect(readOptions(['--quick', '--only', 'idle', '--json', 'b.json'], names)).toMatchObject({
    quick: true,
    only: ['idle'],
    json: 'b.json',
  });
  expect(() => readOptions(['--only', 'other'], names)).toThrow('no figure "other"; there are: accept, idle');
  expect(() => readOptions(['--fast'], names)).toThrow('unknown option');
});

test('BE3 rounds are interleaved, and a figure is the median of them', async () => {
  const order: string[] = [];
  const contender = (name: string) => ({ name, measure: async () => order.push(name) });
  const results = await interleave(3, [contender('one'), contender('two')]);
  expect(order).toEqual(['one', 'two', 'one', 'two', 'one', 'two']);
  expect(results.get('two')).toEqual([2, 4, 6]);
  expect(median([5, 1, 9])).toBe(5);
  expect(median([4, 1, 2, 3])).toBe(2);
  expect(median([])).toBeNaN();
});

test('BE4 a peer that is not installed or does not start is named, and the run goes on', async () => {
  const bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder: tmpdir() };
  const start = () => Promise.reject(new Error('its port is taken'));
  const kind = { name: 'Ghost', origin: 'Debian: ghost-server', find: () => null, start };
  const { peers, remarks } = await startPeers(bench, [kind, { ...kind, name: 'Shell', find: () => 'sh' }]);
  expect(peers).toEqual([]);
  expect(remarks).toEqual([
    'Ghost was left out: it is not installed (Debian: ghost-server).',
    'Shell was left out: its port is taken',
  ]);
});

test('BE4 a peer that fails in a round is named and left out of the others, and who is no peer ends the run', async () => {
  const told: string[] = [];
  let rounds = 0;
  const measure = async () => {
    rounds += 1;
    if (rounds === 2) throw new Error('it ended');
    return rounds;
  };
  const good = { name: 'good', measure: async () => 1 };
  const leftOut = (why: string) => void told.push(why);
  const results = await interleave(3, [{ name: 'Ghost', measure, leftOut }, good]);
  expect([...results]).toEqual([['good', [1, 1, 1]]]);
  expect(told).toEqual(['Ghost was left out: it ended']);
  rounds = 0;
  await expect(interleave(3, [{ name: 'own', measure }])).rejects.toThrow('it ended');
});

test('BE5 results are a table and a chart per figure, and keys with their n, beside machine and versions', async () => {
  const outcome: Outcome = {
    title: 'Waking <quickly>',
    columns: ['per s'],
    rows: [
      {
        name: `Peer${', with much to say'.repeat(3)}`,
        cells: ['50'],
        bar: 50,
        own: false,
        note: 'syncs | nothing',
      },
      { name: 'Reveille', cells: ['100'], bar: 100, own: true, note: '' },
    ],
    unit: 'wakes per second',
    keys: {
      'wake.perSecond': {
        value: 100,
        unit: 'wakes/s',
        n: 7,
        of: 'devices',
        target: { text: '≥ 90', reached: true },
      },
    },
    remarks: ['Ghost was left out.'],
    failed: 0,
  };
  const folder = await mkdtemp(join(tmpdir(), 'reveille-results-'));
  try {
    const machine = await describeMachine(folder);
    const report: Report = { machine, pinned: 'nothing', quick: true, figures: { wake: outcome } };
    await writeResults(folder, report);
    await writeJson(join(folder, 'deep', 'bench.json'), report);
    const table = await readFile(join(folder, 'wake.md'), 'utf8');
    expect(table).toContain(`on Bun ${Bun.version}`);
    expect(table).toContain('| **Reveille** | 100 |');
    expect(table).toContain('syncs \\| nothing');
    expect(table).toContain('| `wake.perSecond` | 100 wakes/s | 7 devices | ≥ 90 | yes |');
    expect(table).toContain('- Ghost was left out.');
    const chart = await readFile(join(folder, 'wake.svg'), 'utf8');
    // Wide enough for the longest name, which stands to the left of the bars.
    expect(chart.match(/<rect x="492" [^>]*width="[\d.]+"/g)).toHaveLength(2);
    expect(chart).toContain('Waking &#60;quickly&#62;');
    expect(chart.indexOf('Reveille')).toBeLessThan(chart.indexOf('Peer'));
    const written = JSON.parse(await readFile(join(folder, 'deep', 'bench.json'), 'utf8'));
    expect(written['wake.perSecond']).toMatchObject({ value: 100, n: 7 });
    expect(written.machine.cores).toBeGreaterThan(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('BE7 figures in which requests failed are named', () => {
  const figure = (failed: number) => ({ failed });
  expect(failures({ figures: { accept: figure(0), e2e: figure(3) } })).toEqual(['e2e: 3 requests failed']);
  expect(failures({ figures: { accept: figure(0) } })).toEqual([]);
});

test('BE3 CPU and memory of a server are those of its process, its children counted', async () => {
  const before = cpuSeconds(process.pid);
  const child = Bun.spawn(
    ['sh', '-c', 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo; read line'],
    {
      stdin: 'pipe',
      stdout: 'pipe',
    },
  );
  await child.stdout.getReader().read();
  expect(cpuSeconds(child.pid)).toBeGreaterThan(0);
  // Less than a tick of rounding.
  expect(cpuSeconds(process.pid) - before).toBeGreaterThan(cpuSeconds(child.pid) - 0.005);
  expect(residentBytes(child.pid)).toBeGreaterThan(100_000);
  child.kill();
  await child.exited;
});

test('BE6 an idle device has the memory by which a server that just started grew', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-idle-'));
  const bench: Bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const begin = await bare(bench, 'websocket', 600);
    const pids: number[] = [];
    const start = async () => {
      const server = await begin();
      pids.push(server.pid);
      return server;
    };
    const bytes = await bytesPerDevice(bench, { start, count: 500 });
    expect(bytes).toBeFinite();
    expect(bytes).toBeLessThan(100_000);
    expect(pids).toHaveLength(1);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
    const lost = bytesPerDevice(bench, {
      count: 1,
      start: async () => {
        const server = await start();
        return { ...server, clients: { ...server.clients, path: '/', port: 1 } };
      },
    });
    await expect(lost).rejects.toThrow('clients did not connect');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('BE8 BE14 messages at a fixed rate are timed from POST to confirm, beside the bare runtime and brokers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-e2e-'));
  const bench: Bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const traffic = { devices: 5, perSecond: 20, warmUpSeconds: 1, seconds: 1, rounds: 1 };
    const ghost = { ...aedes, name: 'Ghost', find: () => null };
    const kinds = [aedes, socketIo, ghost];
    const { keys, rows, failed, remarks } = await measureDeliveries(bench, traffic, kinds);
    expect(Object.keys(keys)).toEqual(['e2e.p50', 'e2e.p99', 'cpu.perMessage']);
    expect(keys['e2e.p50']?.value).toBeGreaterThan(0);
    expect(keys['e2e.p99']?.value).toBeGreaterThanOrEqual(keys['e2e.p50']?.value ?? 0);
    expect(keys['cpu.perMessage']?.value).toBeGreaterThanOrEqual(0);
    // Of the two peers one is durable.
    expect(keys['e2e.p99']?.target?.text).toContain(`the best durable peer (${rows[2]?.cells[1]})`);
    expect(rows.map(({ own }) => own)).toEqual([true, false, false, false]);
    expect(rows.map(({ cells }) => cells.at(-1))).toEqual(['0', '0', '0', '0']);
    expect(remarks[0]).toStartWith('Ghost was left out');
    expect(failed).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('BE9 a message to all the devices of a channel is timed beside the send loop of the bare runtime', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-fanout-'));
  const bench: Bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const { keys, rows, failed } = await measureFanout(bench, { devices: 25, messages: 2, rounds: 1 });
    expect(keys['fanout.perSecond']?.value).toBeGreaterThan(0);
    expect(keys['fanout.ofRaw']?.value).toBeGreaterThan(0);
    expect(rows.map(({ own }) => own)).toEqual([true, false]);
    expect(failed).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('BE10 devices that come back after a restart get what was kept, while a sender goes on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-storm-'));
  const bench: Bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const { keys, failed } = await measureStorm(bench, { devices: 150, rounds: 1 });
    expect(keys['storm.seconds']?.value).toBeGreaterThan(0);
    expect(keys['storm.accept.p99']?.value).toBeGreaterThan(0);
    expect(failed).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('BE11 growth tells rate, memory, start and disk of few channels and of many', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-growth-'));
  const bench: Bench = { quick: true, pinning: { server: [], load: [], told: '' }, folder };
  try {
    const { keys, failed } = await measureGrowth(bench, [10, 5_000], 1);
    const [fall, memory, start, disk] = Object.values(keys);
    expect(fall?.value).toBeLessThan(100);
    expect(memory?.value).toBeFinite();
    expect(start?.value).toBeGreaterThan(0);
    expect(disk?.value).toBeGreaterThan(64);
    expect(failed).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 150_000);
