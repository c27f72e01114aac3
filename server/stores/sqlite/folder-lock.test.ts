import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCK_FILE, lockFolder } from './folder-lock.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'reveille-lock-')), 'data');
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

/** Another process that takes the lock, says so, and holds it until it is killed. */
async function holder(): Promise<Bun.Subprocess<'ignore', 'pipe', 'inherit'>> {
  const lock = join(import.meta.dir, 'folder-lock.ts');
  const code = `
    const { lockFolder } = await import(${JSON.stringify(lock)});
    lockFolder(${JSON.stringify(folder)});
    Bun.gc(true);
    console.log('held');
    setInterval(() => undefined, 1000);`;
  const child = Bun.spawn([process.execPath, '-e', code], {
    stdout: 'pipe',
    stderr: 'inherit',
    stdin: 'ignore',
  });
  for await (const chunk of child.stdout) {
    if (new TextDecoder().decode(chunk).includes('held')) return child;
  }
  throw new Error('the other process did not take the lock');
}

test('ST8 a second process is refused with a text that names the first and says what to do', async () => {
  const child = await holder();
  try {
    expect(() => lockFolder(folder)).toThrow(`in use by another Reveille (process ${child.pid})`);
    expect(() => lockFolder(folder)).toThrow('--data');
  } finally {
    child.kill('SIGKILL');
    await child.exited;
  }
});

test('ST8 a process killed with kill -9 leaves no lock behind', async () => {
  const child = await holder();
  child.kill('SIGKILL');
  await child.exited;
  lockFolder(folder).release();
});

test('ST8 the lock holds within one process too, and can be taken again once it was released', () => {
  const lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(`process ${process.pid}`);
  lock.release();
  lock.release();
  lockFolder(folder).release();
});

test('ST7 the lock is readable by its owner only', () => {
  const lock = lockFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, LOCK_FILE)).mode & 0o777).toBe(0o600);
  lock.release();
});
