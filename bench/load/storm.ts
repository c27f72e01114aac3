import { readFileSync } from 'node:fs';
import { connectInTurns, type Door, post } from './devices.ts';

/** A process that is all devices, which come back at once, and a sender that goes on meanwhile. */
export interface StormOrder extends Door {
  readonly hellosFile: string;
  /** Where the sender's messages go: a channel without a device. */
  readonly channelId: string;
  readonly perSecond: number;
}

export interface Storm {
  /** From the first connection until the last device had its message and said so. */
  readonly seconds: number;
  /** Of the sender's messages meanwhile, from when each was due. */
  readonly acceptP99Ms: number;
  readonly accepted: number;
  readonly loadCpu: number;
}

const order = JSON.parse(process.argv[2] ?? '') as StormOrder;
const hellos = readFileSync(order.hellosFile, 'utf8').split('\n');
const all = Promise.withResolvers<void>();
const drained = new Set<WebSocket>();
const times: number[] = [];
let over = false;

async function sendOne(number: number, due: number): Promise<void> {
  await post(order, {
    channelId: order.channelId,
    subchannelId: number % 4,
    payload: 'meanwhile'.padEnd(64, '.'),
  });
  times.push(performance.now() - due);
}

async function sendMeanwhile(): Promise<void> {
  const begin = performance.now();
  const sent: Promise<void>[] = [];
  while (!over) {
    for (
      let due = begin + (sent.length * 1_000) / order.perSecond;
      due <= performance.now();
      due = begin + (sent.length * 1_000) / order.perSecond
    )
      sent.push(sendOne(sent.length, due));
    await Bun.sleep(1);
  }
  await Promise.all(sent);
}

const [load, begin] = [process.cpuUsage(), performance.now()];
const sending = sendMeanwhile();
await connectInTurns(order, hellos, (device, text) => {
  const { version } = JSON.parse(text);
  device.send(JSON.stringify({ type: 'confirm', version }));
  drained.add(device);
  if (drained.size === hellos.length) all.resolve();
});
await all.promise;
const seconds = (performance.now() - begin) / 1_000;
const used = process.cpuUsage(load);
over = true;
await sending;
times.sort((a, b) => a - b);
const storm: Storm = {
  seconds,
  acceptP99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
  accepted: times.length,
  loadCpu: (used.user + used.system) / 1e6 / seconds,
};
console.log(JSON.stringify(storm));
process.exit(0);
