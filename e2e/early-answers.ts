import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town, type TownOptions } from '../dev-env/town.ts';
import { type AnsweredMessage, answeredTooEarly } from './sync-trace.ts';

/** As many are accepted under strace. */
export const MESSAGES = 60;
const AT_ONCE = 6;

/** Has a server under strace accept messages. Answers those whose 204 left before their row was synced. */
export async function tooEarly(options: TownOptions): Promise<AnsweredMessage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-strace-'));
  const file = join(folder, 'trace');
  const calls = 'trace=fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg';
  // -D: the server, not strace, is the process that the town started and ends.
  const under = ['strace', '-D', '-f', '--seccomp-bpf', '-ttt', '-s', '65536', '-e', calls, '-o', file];
  try {
    await using town = await Town.start({ ...options, under, dailyQuota: 0 });
    const token = await town.accessToken();
    const accept = async (number: number): Promise<AnsweredMessage> => {
      const payload = `row-${number}-of-the-sync-test`;
      const message = { channelId: town.seed.channel_id, subchannelId: number % 4, payload };
      const answer = await town.send(token, message);
      if (answer.status !== 204) throw new Error(`refused: ${answer.status} ${await answer.text()}`);
      return { payload, version: answer.headers.get('Reveille-Message') ?? '' };
    };
    const messages: AnsweredMessage[] = [];
    for (let from = 0; from < MESSAGES; from += AT_ONCE) {
      messages.push(...(await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => accept(from + i)))));
    }
    await town.stop();
    return answeredTooEarly(await readFile(file, 'latin1'), messages);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
