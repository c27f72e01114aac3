import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPushKey } from './push-key.ts';
import { openSecrets } from './secrets.ts';

let folder: string;
const ring = (...keys: readonly Buffer[]) =>
  openSecrets({ folder, given: { text: keys.map((key) => key.toString('base64url')).join(' ') } });
const [oldKey, freshKey] = [randomBytes(32), randomBytes(32)];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-push-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the key of pushes', () => {
  test('WK12 is made once: a pair of P-256, the same at every start', async () => {
    const secrets = await ring(oldKey);
    const key = await openPushKey(folder, secrets);
    const point = Buffer.from(key.publicKey, 'base64url');
    expect([point.length, point[0], Buffer.from(key.privateKey, 'base64url').length]).toEqual([65, 4, 32]);
    expect(await openPushKey(folder, secrets)).toEqual(key);
    const signing = await crypto.subtle.importKey(
      'jwk',
      {
        kty: 'EC',
        crv: 'P-256',
        x: point.subarray(1, 33).toString('base64url'),
        y: point.subarray(33).toString('base64url'),
        d: key.privateKey,
      },
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    );
    expect(signing.type).toBe('private');
  });

  test('WK12 is sealed, in a file that only its owner reads', async () => {
    const { privateKey } = await openPushKey(folder, await ring(oldKey));
    const path = join(folder, 'push-key');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).not.toContain(privateKey);
  });

  test('WK12 stays when the ring is rotated', async () => {
    const key = await openPushKey(folder, await ring(oldKey));
    expect(await openPushKey(folder, await ring(freshKey, oldKey))).toEqual(key);
  });

  test('WK12 a file that was changed, or sealed by other keys, stops the start', async () => {
    await openPushKey(folder, await ring(oldKey));
    const path = join(folder, 'push-key');
    const sealed = await readFile(path, 'utf8');
    await writeFile(path, `${sealed.slice(0, -2)}AA`);
    await expect(openPushKey(folder, await ring(oldKey))).rejects.toThrow('does not open');
    await writeFile(path, sealed);
    await rm(join(folder, 'sealed-with'));
    await expect(openPushKey(folder, await ring(freshKey))).rejects.toThrow('does not open');
  });
});
