import { readFileSync } from 'node:fs';
import { exchange } from './exchange.ts';
import { dialogues, type Talk } from './spec.ts';

/** The process of a load, on a core of its own: takes what to do as JSON, prints what came of it as JSON. */
interface LoadOrder {
  readonly talk: Talk;
  readonly port: number;
  readonly pid: number;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpMs: number;
}

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder;
const { talk } = order;
const channels = talk.kind === 'reveille' ? readFileSync(talk.channelsFile, 'utf8').split('\n') : [];
const rate = await exchange({ ...order, dialogue: dialogues(talk, channels) });
console.log(JSON.stringify(rate));
process.exit(0);
