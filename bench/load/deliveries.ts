import { cpuSeconds } from '../processes.ts';
import { type Delivery, parties } from './delivery.ts';
import type { Dialogue } from './dialogue.ts';
import { connectReceivers } from './receivers.ts';

/** A process that is all devices and the sender: messages leave at a fixed rate, whatever comes of earlier ones. */
export interface DeliveryOrder {
  readonly port: number;
  readonly delivery: Delivery;
  /** Of the server. */
  readonly pid: number;
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface Deliveries {
  /** From the POST to the device's confirm. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** CPU of the server, in microseconds. */
  readonly cpuEach: number;
  /** Part of one core that the load took. */
  readonly loadCpu: number;
}

const SENDERS = 64;
/** How long the last messages may be under way. */
const LATE_MS = 10_000;

const order = JSON.parse(process.argv[2] ?? '') as DeliveryOrder;
/** Of this process. */
const RUN = String(process.pid);
const total = Math.round(order.perSecond * (order.warmUpSeconds + order.seconds));
const warm = Math.round(order.perSecond * order.warmUpSeconds);
/** By message: when its turn was, and how long until its confirm; NaN until then. */
const postedAt = new Float64Array(total);
const took = new Float64Array(total).fill(Number.NaN);
const ended = Promise.withResolvers<void>();
const broken = Promise.withResolvers<never>();
broken.promise.catch(() => {});
let confirmed = 0;
let answered = 0;
let refused = 0;

function endWhenAllCame(): void {
  if (confirmed === total && answered === total) ended.resolve();
}

/** A device confirms at once. A message of an earlier run may come, too. */
function onMessage(payload: string, confirm: readonly Buffer[], socket: Bun.Socket): void {
  for (const write of confirm) socket.write(write);
  const [first = '', run] = payload.split(' ', 2);
  const number = Number(first);
  if (run !== RUN || !Number.isNaN(took[number])) return;
  took[number] = performance.now() - (postedAt[number] ?? 0);
  confirmed += 1;
  endWhenAllCame();
}

type Post = (number: number) => void;
const free: Post[] = [];
const waiting: number[] = [];

async function connectSender(dialogue: Dialogue): Promise<void> {
  const ready = Promise.withResolvers<void>();
  let greeted = 0;
  const greet = (socket: Bun.Socket) => {
    const next = dialogue.greetings[greeted];
    if (next === undefined) ready.resolve();
    else socket.write(next);
  };
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port: order.port,
    socket: {
      open(opened) {
        opened.setNoDelay(true);
        greet(opened);
      },
      data(opened, chunk) {
        const before = dialogue.refused;
        if (dialogue.hear(chunk) === 0) return;
        if (greeted < dialogue.greetings.length) {
          greeted += 1;
          return greet(opened);
        }
        refused += dialogue.refused - before;
        answered += 1;
        endWhenAllCame();
        const next = waiting.shift();
        if (next === undefined) free.push(post);
        else post(next);
      },
      close: () => broken.reject(new Error('the server closed a connection of the load')),
    },
  });
  await ready.promise;
  const post: Post = (number) => void socket.write(dialogue.request(number));
  free.push(post);
}

/** The clock of a message starts when it was due, also when no connection is free then. */
async function sendAll(): Promise<{
  readonly cpu: number;
  readonly load: NodeJS.CpuUsage;
  readonly at: number;
}> {
  const begin = performance.now();
  let before = { cpu: cpuSeconds(order.pid), load: process.cpuUsage(), at: begin };
  for (let number = 0; number < total; ) {
    // The first is due at once: counted from the end of its turn, each would seem late by a whole turn (docs/decisions/0250).
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1_000) * order.perSecond) + 1);
    for (; number < due; number += 1) {
      if (number === warm)
        before = { cpu: cpuSeconds(order.pid), load: process.cpuUsage(), at: performance.now() };
      postedAt[number] = begin + (number * 1_000) / order.perSecond;
      const post = free.pop();
      if (post === undefined) waiting.push(number);
      else post(number);
    }
    await Bun.sleep(1);
  }
  return before;
}

async function main(): Promise<Deliveries> {
  const { receivers, sender } = parties(order.delivery, (number) => `${number} ${RUN} `.padEnd(64, '.'));
  await connectReceivers(order.port, receivers, onMessage);
  await Promise.all(Array.from({ length: SENDERS }, (_, at) => connectSender(sender(at))));
  const before = await Promise.race([broken.promise, sendAll()]);
  await Promise.race([broken.promise, ended.promise, Bun.sleep(LATE_MS)]);
  const load = process.cpuUsage(before.load);
  const times = took
    .slice(warm)
    .filter((ms) => !Number.isNaN(ms))
    .sort();
  const share = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
  return {
    p50Ms: share(0.5),
    p99Ms: share(0.99),
    failed: Math.max(refused, total - confirmed),
    cpuEach: ((cpuSeconds(order.pid) - before.cpu) / times.length) * 1e6,
    loadCpu: (load.user + load.system) / 1e3 / (performance.now() - before.at),
  };
}

console.log(JSON.stringify(await main()));
process.exit(0);
