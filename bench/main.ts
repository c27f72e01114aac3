import { Town } from '../dev-env/town.ts';
import { measure, type Rate } from './load.ts';

/**
 * `npm run bench`: how many messages a second are accepted, each synced to disk before its 204, beside an HTTP server that does
 * nothing, under the same load in the same run. The ratio says what acceptance costs; the absolute numbers belong to this
 * machine, where the load shares the cores with the server.
 */
const seconds = Number(process.argv[2] ?? 5);
const connections = 64;

async function empty(): Promise<Rate> {
  const child = Bun.spawn([process.execPath, new URL('./empty-server.ts', import.meta.url).pathname], {
    stdout: 'pipe',
  });
  try {
    const { value } = await child.stdout.getReader().read();
    const origin = new TextDecoder().decode(value).trim();
    return await measure(seconds, connections, () => fetch(origin, { method: 'POST', body: '{}' }));
  } finally {
    child.kill();
    await child.exited;
  }
}

async function accepting(): Promise<Rate> {
  await using town = await Town.start({ dailyQuota: 0 });
  const token = await town.accessToken();
  let number = 0;
  return await measure(seconds, connections, () => {
    number += 1;
    const message = {
      channelId: town.seed.channel_id,
      subchannelId: number % 4,
      payload: `message ${number}`,
    };
    return town.send(token, message);
  });
}

function row(name: string, rate: Rate): string {
  const { perSecond, p50Ms, p99Ms, failed } = rate;
  const columns = [
    perSecond.toFixed(0).padStart(8),
    p50Ms.toFixed(1).padStart(8),
    p99Ms.toFixed(1).padStart(8),
  ];
  return `${name.padEnd(28)}${columns.join('')}${failed === 0 ? '' : `   ${failed} failed`}`;
}

const nothing = await empty();
const accepted = await accepting();
console.log(`${''.padEnd(28)}   per s   p50 ms   p99 ms   (${connections} connections, ${seconds} s each)`);
console.log(row('an empty handler', nothing));
console.log(row('accept, synced to disk', accepted));
console.log(`accept / empty = ${(accepted.perSecond / nothing.perSecond).toFixed(2)}`);
process.exitCode = accepted.failed + nothing.failed === 0 ? 0 : 1;
