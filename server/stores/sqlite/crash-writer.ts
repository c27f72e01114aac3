import { writeSync } from 'node:fs';
import type { AppId } from '../../../protocol/app-id.ts';
import { systemClock } from '../../core/clock.ts';
import type { MulticastDraft } from '../../core/multicast.ts';
import type { Channel, Store } from '../../core/store.ts';
import type { Synchronous } from './open-database.ts';
import { openSqliteStore } from './store.ts';

/**
 * A process for tests to kill, starve and watch: `bun crash-writer.ts FOLDER WRITERS MESSAGES [FULL|NORMAL]`.
 * WRITERS loops keep messages one after the other, MESSAGES each (0 = until it is killed); every second loop has multicasts that
 * queue. For each write that has settled
 * it prints one line, with one system call: `kept VERSION PAYLOAD`, `confirmed VERSION` or `refused CODE`.
 */
const APP = 'abcdefghijklmnopabcdefghijklmnop' as AppId;
const [folder = '', writers = '1', messages = '0', synchronous = 'FULL'] = process.argv.slice(2);

const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

const store = await openSqliteStore({
  folder,
  clock: systemClock,
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  synchronous: synchronous as Synchronous,
});
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(store, writer)));
await store.close();
say('closed');

async function write(to: Store, writer: number): Promise<void> {
  const channel = await to.openChannel(`user ${writer}`, APP);
  const id = `device of ${writer}, ${process.pid}`;
  const draft = { id, channel: channel.key, tokenHash: 'hash', name: id, signIn: null };
  const { device } = await to.register(draft);
  for (let count = 0; messages === '0' || count < Number(messages); count++) {
    try {
      const payload = `row-${process.pid}-${writer}-${count}`;
      const message = {
        payload,
        expiresAt: systemClock.now() + 86_400_000,
        project: `project of ${writer}`,
        dailyQuota: 0,
        quotaDay: '2026-11-24',
      };
      const version =
        writer % 2 === 0
          ? (await to.keep({ ...message, channel: channel.key, slot: String(count % 4) })).version
          : await queue(to, channel, { ...message, slot: 'q:0' });
      say(`kept ${version} ${payload}`);
      if (count % 2 === 1) continue;
      await to.confirm(device.key, version);
      say(`confirmed ${version}`);
    } catch (error) {
      say(`refused ${(error as { code?: string }).code}`);
    }
  }
}

async function queue(to: Store, { id, key }: Channel, message: MulticastDraft['message']) {
  const targets = [{ channelId: id, channel: key, refusal: null }];
  const about = { id: message.payload, key: null, bodyHash: '', dailyTargets: 0 };
  const { kept } = await to.keepMulticast({ ...about, message, targets });
  const [made] = kept;
  if (made === undefined) throw new Error('a multicast without a message');
  return made.version;
}
