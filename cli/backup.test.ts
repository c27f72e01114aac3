import { Database } from 'bun:sqlite';
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { Newest, sendMessagesUntilKilled } from '../e2e/message-load.ts';

const program = new URL('../bin/reveille', import.meta.url).pathname;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-backup-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function backup(data: string, target: string) {
  const child = Bun.spawn([program, 'backup', target, '--data', data], { stdout: 'pipe', stderr: 'pipe' });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { output, errors, code: await child.exited };
}

/** Every version that was answered 204, and who waits for there to be many. */
class Accepted extends Newest {
  readonly all: number[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  override note(subchannel: number, version: number): void {
    super.note(subchannel, version);
    this.all.push(version);
    if (this.all.length >= (this.#waiting?.count ?? Number.POSITIVE_INFINITY)) this.#waiting?.resolve();
  }

  more(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count: this.all.length + 100, resolve };
    });
  }
}

test('BA1 BA2 BA5 a server under load is backed up, killed, and restored into another folder', async () => {
  await using town = await Town.start({ dailyQuota: 0 });
  const accepted = new Accepted();
  const token = await town.accessToken();
  await mkdir(join(town.dataFolder, 'packages/some'), { recursive: true });
  await writeFile(join(town.dataFolder, 'packages/some/1.crx'), 'a package');
  const load = [1, 2, 3].map(() => sendMessagesUntilKilled(town, token, accepted));
  await accepted.more();
  const before = [...accepted.all];
  const copy = join(folder, 'loaded');
  const { output, errors, code } = await backup(town.dataFolder, copy);
  expect({ errors, code }).toEqual({ errors: '', code: 0 });
  for (const name of ['control.db', 'messages.db', 'secrets', 'sealed-with', 'packages/some/1.crx'])
    expect(output).toContain(`${(await stat(join(copy, name))).size}  ${name}\n`);
  expect(output).toContain('The file secrets in it opens everything else');
  await accepted.more();
  await town.kill9();
  await Promise.all(load);

  const restored = join(folder, 'restored');
  await cp(copy, restored, { recursive: true });
  await town.startAgain(['--data', restored]);
  const db = new Database(join(restored, 'messages.db'), { readonly: true });
  const kept = new Set(db.query<{ version: number }, []>('SELECT version FROM messages').values().flat());
  db.close(true);
  expect(before.filter((version) => !kept.has(version))).toEqual([]);
  const answer = await town.send(await town.accessToken(), {
    channelId: town.seed.channel_id,
    subchannelId: '0',
    payload: 'after',
  });
  expect(answer.status).toBe(204);
  expect(Number(answer.headers.get('Reveille-Message'))).toBeGreaterThan(Math.max(...accepted.all));
  const { email, password } = town.seed.account;
  const signedIn = await town.fetch('/accounts/api/sign-in/email', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: town.origin },
    body: JSON.stringify({ email, password }),
  });
  expect(signedIn.status).toBe(200);
}, 120_000);

/** How many messages have ended on some device. */
function endings(data: string): number {
  const db = new Database(join(data, 'messages.db'), { readwrite: true, create: false });
  try {
    return db.query('SELECT 1 FROM outcomes').all().length;
  } finally {
    db.close(true);
  }
}

test('BA2 what a device handled after the backup does not run again after the restore', async () => {
  await using town = await Town.start();
  const { promise: release, resolve: releaseNow } = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const after = Promise.withResolvers<void>();
  const runs: string[] = [];
  const device = townDevice(town, {
    name: 'laptop',
    onMessage: async ({ payload }) => {
      runs.push(payload);
      if (payload === 'held') began.resolve();
      if (payload === 'after') after.resolve();
      await release;
    },
  });
  await device.connect();
  const send = async (payload: string) => {
    const message = { channelId: town.seed.channel_id, subchannelId: '0', payload };
    const answer = await town.send(await town.accessToken(), message);
    expect(answer.status).toBe(204);
  };
  await send('held');
  await began.promise;
  const copy = join(folder, 'held');
  expect((await backup(town.dataFolder, copy)).code).toBe(0);
  releaseNow();
  while (endings(town.dataFolder) === 0) await Bun.sleep(20);
  await town.kill9();
  expect(endings(copy)).toBe(0);
  await town.startAgain(['--data', copy]);
  await send('after');
  await after.promise;
  expect(runs).toEqual(['held', 'after']);
  device.close();
}, 60_000);

test('BA3 BA4 a backup is private, holds nothing of one process, and writes over nothing', async () => {
  await using town = await Town.start({ seeded: false });
  const copy = join(folder, 'private');
  expect((await backup(town.dataFolder, copy)).code).toBe(0);
  expect((await stat(copy)).mode & 0o777).toBe(0o700);
  const names = await readdir(copy);
  for (const name of names) expect((await stat(join(copy, name))).mode & 0o077).toBe(0);
  expect(names.sort()).toEqual(['control.db', 'messages.db', 'push-key', 'sealed-with', 'secrets']);

  const refused = [
    [town.dataFolder, copy, 'is there already'],
    [town.dataFolder, join(town.dataFolder, 'copy'), 'within the data folder'],
    [join(folder, 'none'), join(folder, 'copy'), 'has no control.db'],
  ] as const;
  for (const [data, target, sentence] of refused) {
    const { errors, code } = await backup(data, target);
    expect(errors).toStartWith('reveille: ');
    expect(errors).toContain(sentence);
    expect(code).toBe(1);
  }
  // A database that is none: nothing of the copy is left.
  const broken = join(folder, 'broken');
  await cp(copy, broken, { recursive: true });
  await writeFile(join(broken, 'messages.db'), 'no database, but long enough to be read as one'.repeat(50));
  expect((await backup(broken, join(folder, 'copy'))).code).toBe(1);
  expect((await readdir(folder)).filter((name) => name.startsWith('copy'))).toEqual([]);
}, 60_000);
