import { readFileSync } from 'node:fs';
import { cpuSeconds } from '../processes.ts';
import { connectInTurns, post } from './devices.ts';

/** A process that is all devices of one channel and its sender: a message, and the next when the last device has it. */
export interface FanoutOrder {
  readonly port: number;
  readonly path: string;
  readonly token: string;
  readonly pid: number;
  readonly channelId: string;
  readonly hellosFile: string;
  readonly messages: number;
}

export interface Fanout {
  readonly perSecond: number;
  /** From the POST until the last device had it, and until all had confirmed it and the server was silent again. */
  readonly lastMs: number;
  /** CPU of the server for one delivery, in microseconds, without and with its confirm. */
  readonly cpuEach: number;
  readonly cpuConfirmed: number;
  readonly loadCpu: number;
  readonly failed: number;
}

const order = JSON.parse(process.argv[2] ?? '') as FanoutOrder;
/** Messages before those that count: code is compiled. */
const WARM = 3;
const LATE_MS = 30_000;
/** The server is silent when it took less than this part of a core for this long. */
const SILENT_MS = 200;
const SILENT_CPU = 0.1;

let came = 0;
let version = 0;
let last = Promise.withResolvers<void>();
const hellos = readFileSync(order.hellosFile, 'utf8').split('\n');
const devices = await connectInTurns(order, hellos, (_device, text) => {
  came += 1;
  if (came < hellos.length) return;
  version = JSON.parse(text).version;
  last.resolve();
});

async function untilSilent(): Promise<void> {
  for (let before = cpuSeconds(order.pid); ; ) {
    await Bun.sleep(SILENT_MS);
    const now = cpuSeconds(order.pid);
    if (now - before < (SILENT_CPU * SILENT_MS) / 1_000) return;
    before = now;
  }
}

/** Devices confirm when all have it, so that confirming is not in the time of handing out. */
async function sendOne(number: number) {
  came = 0;
  last = Promise.withResolvers<void>();
  const [cpu, load, at] = [cpuSeconds(order.pid), process.cpuUsage(), performance.now()];
  await post(order, {
    channelId: order.channelId,
    subchannelId: number % 4,
    payload: `${number} `.padEnd(64, '.'),
  });
  await Promise.race([last.promise, Bun.sleep(LATE_MS)]);
  const ms = performance.now() - at;
  const used = process.cpuUsage(load);
  const missing = hellos.length - came;
  const cpuMs = (cpuSeconds(order.pid) - cpu) * 1_000;
  for (const device of devices) device.send(JSON.stringify({ type: 'confirm', version }));
  await untilSilent();
  const confirmedMs = (cpuSeconds(order.pid) - cpu) * 1_000;
  return { ms, cpuMs, confirmedMs, loadMs: (used.user + used.system) / 1_000, missing };
}

const sent = [];
for (let number = 0; number < WARM + order.messages; number += 1) sent.push(await sendOne(number));
const counted = sent.slice(WARM);
const sum = (what: keyof (typeof counted)[number]) => counted.reduce((all, one) => all + one[what], 0);
const deliveries = counted.length * hellos.length;
const fanout: Fanout = {
  perSecond: deliveries / (sum('ms') / 1_000),
  lastMs: sum('ms') / counted.length,
  cpuEach: (sum('cpuMs') * 1_000) / deliveries,
  cpuConfirmed: (sum('confirmedMs') * 1_000) / deliveries,
  loadCpu: sum('loadMs') / sum('ms'),
  failed: sent.reduce((all, { missing }) => all + missing, 0),
};
console.log(JSON.stringify(fanout));
process.exit(0);
