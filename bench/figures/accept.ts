import { runLoad, startBare } from '../children.ts';
import type { Bench, Figure, Key, Outcome, Row } from '../figure.ts';
import { benchTown, withChannels } from '../full-town.ts';
import type { Rate } from '../load/exchange.ts';
import type { Talk } from '../load/spec.ts';
import { acceptors, startPeers } from '../peers/start-peers.ts';
import { interleave, median } from '../rounds.ts';

const CONNECTIONS = [64, 256] as const;
/** A load above this part of its core may be what limits. */
const LOAD_BUSY = 0.95;

interface Accepting {
  readonly name: string;
  readonly own: boolean;
  readonly port: number;
  readonly pid: number;
  readonly talk: Talk;
  readonly note: string;
  readonly peer?: boolean;
}

/** How many messages a second are accepted, each answered after what the server holds for keeping. */
export const accept: Figure = {
  name: 'accept',
  async run(bench) {
    const channels = bench.quick ? 5_000 : 50_000;
    await using town = await benchTown(bench);
    const channelsFile = await withChannels(town, bench, channels);
    const token = await town.accessToken();
    await using server = await startBare(bench, 'bench/empty-server.ts');
    const empty: Accepting = {
      ...{ name: 'an empty Bun.serve handler', own: false, port: server.port, pid: server.pid },
      talk: { kind: 'empty', channels: 1 },
      note: 'keeps nothing',
    };
    const { peers, remarks, stop } = await startPeers(bench, acceptors);
    try {
      const own: Accepting = {
        name: 'Reveille',
        own: true,
        port: Number(new URL(town.origin).port),
        pid: town.pid,
        talk: { kind: 'reveille', token, channelsFile },
        note: 'synced before the answer; OAuth, ownership and quota checked',
      };
      const others = peers.map((peer) => ({
        ...peer,
        name: `${peer.name} (${peer.version})`,
        own: false,
        peer: true,
        talk: peer.talk(channels),
      }));
      return await compare(bench, channels, [own, empty, ...others], [...remarks]);
    } finally {
      await stop();
    }
  },
};

/** One load in a process of its own. */
function load(bench: Bench, { talk, port, pid }: Accepting, connections: number): Promise<Rate> {
  const [seconds, warmUpMs] = bench.quick ? [1, 500] : [3, 1_500];
  return runLoad<Rate>(bench, 'bench/load/main.ts', { talk, port, pid, connections, seconds, warmUpMs });
}

async function compare(
  bench: Bench,
  channels: number,
  everyone: readonly Accepting[],
  missing: string[],
): Promise<Outcome> {
  const contenders = CONNECTIONS.flatMap((connections) =>
    everyone.map((one) => ({
      name: `${one.name} ${connections}`,
      measure: () => load(bench, one, connections),
      ...(one.peer === true && { leftOut: (why: string) => void missing.push(why) }),
    })),
  );
  const results = await interleave(bench.quick ? 2 : 5, contenders);
  const all = everyone.filter(({ name }) => CONNECTIONS.every((count) => results.has(`${name} ${count}`)));
  const rateOf = (one: Accepting, connections: number, what: keyof Rate) =>
    median((results.get(`${one.name} ${connections}`) ?? []).map((rate) => rate[what]));
  const rows = all.map((one) => row(one, (connections, what) => rateOf(one, connections, what)));
  const remarks = CONNECTIONS.flatMap((connections) => {
    const busy = all.filter((one) => rateOf(one, connections, 'loadCpu') > LOAD_BUSY);
    const limited = busy.filter((one) => rateOf(one, connections, 'serverCpu') < LOAD_BUSY);
    if (limited.length === 0) return [];
    const names = limited.map(({ name }) => name).join(', ');
    return [`With ${connections} connections the load was the limit, not the server, of: ${names}.`];
  });
  const keys = Object.fromEntries(
    CONNECTIONS.flatMap((connections) =>
      keysOf(all, connections, channels, (one) => rateOf(one, connections, 'perSecond')),
    ),
  );
  const columns = CONNECTIONS.flatMap((count) => [
    `per s, ${count} conn.`,
    'p99 ms',
    'server CPU',
    'µs CPU each',
    'load CPU',
    'failed',
  ]);
  return {
    title: 'Accepting messages',
    columns,
    rows,
    unit: 'messages accepted per second, 64 connections',
    keys,
    remarks: [...missing, ...remarks],
    failed: [...results.values()].flat().reduce((sum, rate) => sum + rate.failed, 0),
  };
}

/** CPU of the server for one message: what stays true on a machine that does other work beside. */
const cost = (serverCpu: number, perSecond: number) => ((serverCpu / perSecond) * 1e6).toFixed(1);

function row({ name, own, note }: Accepting, rate: (connections: number, what: keyof Rate) => number): Row {
  const cells = CONNECTIONS.flatMap((connections) => {
    const of = (what: keyof Rate) => rate(connections, what);
    const percent = (part: number) => `${Math.round(part * 100)} %`;
    return [
      of('perSecond').toFixed(0),
      of('p99Ms').toFixed(1),
      percent(of('serverCpu')),
      cost(of('serverCpu'), of('perSecond')),
      percent(of('loadCpu')),
      String(of('failed')),
    ];
  });
  return { name, cells, bar: rate(CONNECTIONS[0], 'perSecond'), own, note };
}

/** `accept.perSecond` and `accept.ofRaw` with 64 connections; with more the number stands behind. */
function keysOf(
  [own, empty, ...peers]: readonly Accepting[],
  connections: number,
  channels: number,
  rate: (one: Accepting) => number,
): readonly (readonly [string, Key])[] {
  if (own === undefined || empty === undefined) return [];
  const behind = connections === CONNECTIONS[0] ? '' : `.${connections}`;
  const mine = rate(own);
  const best = Math.max(0, ...peers.map(rate));
  const ofRaw = mine / rate(empty);
  const of = `channels, ${connections} connections`;
  return [
    [
      `accept.perSecond${behind}`,
      {
        value: mine,
        unit: 'messages/s',
        n: channels,
        of,
        target: { text: `above every peer (best ${best.toFixed(0)})`, reached: mine > best },
      },
    ],
    [
      `accept.ofRaw${behind}`,
      { value: ofRaw, unit: 'ratio', n: channels, of, target: { text: '≥ 0.5', reached: ofRaw >= 0.5 } },
    ],
  ];
}
