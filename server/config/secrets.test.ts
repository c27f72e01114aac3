import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSecrets } from './secrets.ts';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reveille-secrets-'));
  folder = join(home, 'data');
});
afterEach(() => rmSync(home, { recursive: true }));

const aKey = () => randomBytes(32).toString('base64url');
const modeOf = (path: string) => statSync(path).mode & 0o777;
const given = (...keys: string[]) => openSecrets({ folder, given: { text: keys.join('\n') } });

describe('where the keys come from', () => {
  test('KY1 the first start makes them, readable by the owner only; the next start finds them', async () => {
    const first = await openSecrets({ folder });
    expect(modeOf(folder)).toBe(0o700);
    expect(readdirSync(folder).sort()).toEqual(['sealed-with', 'secrets']);
    for (const file of ['sealed-with', 'secrets']) expect(modeOf(join(folder, file))).toBe(0o600);
    const again = await openSecrets({ folder });
    expect(again.open('test', first.seal('test', 'text'))).toBe('text');
    expect(again.cookieSecret()).toBe(first.cookieSecret());
  });

  test('KY1 two servers have different keys', async () => {
    const one = await openSecrets({ folder });
    const two = await openSecrets({ folder: join(home, 'other') });
    expect(one.cookieSecret()).not.toBe(two.cookieSecret());
    expect(two.verifyMac('test', 'data', one.mac('test', 'data'))).toBe(false);
  });

  test('KY1 given keys are taken from text or file, in base64 of either alphabet, and not written down', async () => {
    const [one, two] = [Buffer.alloc(32, 0xfb), randomBytes(32)];
    const file = join(home, 'ring');
    writeFileSync(file, `${one.toString('base64')}\r\n\n  ${two.toString('base64url')}\n`);
    const fromFile = await openSecrets({ folder, given: { file } });
    const fromText = await given(`${one.toString('base64url')},${two.toString('base64')}`);
    expect(fromText.cookieSecret()).toBe(fromFile.cookieSecret());
    expect(readdirSync(folder)).toEqual(['sealed-with']);
    const noted = readFileSync(join(folder, 'sealed-with'), 'utf8');
    for (const key of [one, two]) expect(noted).not.toContain(key.toString('hex').slice(0, 16));
  });

  test('KY1 a ring that is empty, too short, or has a slip in it is refused with the name of its source', async () => {
    const slip = `${aKey().slice(0, 20)}!${aKey().slice(0, 23)}`;
    for (const ring of [
      '',
      'short',
      aKey().slice(0, 40),
      `${aKey()}\nshort`,
      `${slip}`,
      `${aKey()}${aKey()}`,
    ]) {
      await expect(given(ring)).rejects.toThrow('REVEILLE_SECRETS must hold at least one key');
    }
    const file = join(home, 'ring');
    writeFileSync(file, 'short');
    await expect(openSecrets({ folder, given: { file } })).rejects.toThrow(`${file} must hold`);
  });

  test('KY1 a file that is named must exist: nothing is made in its place', async () => {
    const file = join(home, 'nowhere');
    await expect(openSecrets({ folder, given: { file } })).rejects.toThrow(`${file}, does not exist`);
  });

  test('KY1 keys of ours that others can read are refused, and the text says what to do', async () => {
    await openSecrets({ folder });
    chmodSync(join(folder, 'secrets'), 0o644);
    await expect(openSecrets({ folder })).rejects.toThrow(/can be read by others \(mode 644\).*chmod 600/);
    chmodSync(join(folder, 'secrets'), 0o600);
    await openSecrets({ folder });
  });

  test('KY1 no refusal tells a key', async () => {
    const ring = `${aKey()}\n${aKey().slice(1)}`;
    const refusal = await given(ring).catch((error: Error) => error.message);
    for (const key of ring.split('\n')) expect(refusal).not.toContain(key.slice(0, 8));
  });
});

describe('what the keys do', () => {
  test('KY2 the MACs by every key, the first one first', async () => {
    const [one, two] = [aKey(), aKey()];
    const ring = await given(one, two);
    const older = await openSecrets({ folder: join(home, 'older'), given: { text: two } });
    expect(ring.macs('test', 'data')).toEqual([ring.mac('test', 'data'), older.mac('test', 'data')]);
  });

  test('KY2 a MAC verifies for its purpose and data, and is HMAC-SHA-256 by a key of its own', async () => {
    const key = aKey();
    const secrets = await given(key);
    const mac = secrets.mac('form', 'data');
    expect(mac).toHaveLength(32);
    expect(secrets.verifyMac('form', 'data', mac)).toBe(true);
    expect(secrets.verifyMac('form', 'datb', mac)).toBe(false);
    expect(secrets.verifyMac('token', 'data', mac)).toBe(false);
    const bare = createHmac('sha256', Buffer.from(key, 'base64url')).update('data').digest();
    expect(mac.equals(bare)).toBe(false);
  });

  test('KY2 what was sealed opens for its purpose only, and the same text never seals to the same', async () => {
    const secrets = await openSecrets({ folder });
    for (const text of ['', 'x', 'größer 🎈', 'k'.repeat(5_000)]) {
      const sealed = secrets.seal('client', text);
      expect(sealed).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(secrets.open('client', sealed)).toBe(text);
      expect(() => secrets.open('app', sealed)).toThrow('does not open');
      expect(secrets.seal('client', text)).not.toBe(sealed);
    }
  });

  test('KY2 MAC, seal and cookies of one purpose have nothing in common', async () => {
    const secrets = await openSecrets({ folder });
    const cookie = secrets.cookieSecret();
    expect(Buffer.from(cookie, 'base64url')).toHaveLength(32);
    const byCookieKey = createHmac('sha256', Buffer.from(cookie, 'base64url')).update('data').digest();
    expect(secrets.verifyMac('cookies', 'data', byCookieKey)).toBe(false);
  });

  test('KY2 of a ring the first makes and every one verifies and opens', async () => {
    const [old, fresh] = [aKey(), aKey()];
    const before = await given(old);
    const rotated = await given(fresh, old);
    expect(rotated.verifyMac('form', 'data', before.mac('form', 'data'))).toBe(true);
    expect(rotated.open('client', before.seal('client', 'text'))).toBe('text');
    expect(before.verifyMac('form', 'data', rotated.mac('form', 'data'))).toBe(false);
    expect(() => before.open('client', rotated.seal('client', 'text'))).toThrow('does not open');
    expect(rotated.cookieSecret()).not.toBe(before.cookieSecret());
  });

  test('KY5 sealed alike, the same text of the same time is the same, and opens for its purpose only', async () => {
    const secrets = await openSecrets({ folder, now: 1_000 });
    const sealed = secrets.sealAlike('endpoint', 'text', 2_000);
    expect((await openSecrets({ folder })).sealAlike('endpoint', 'text', 9_000)).toBe(sealed);
    expect(secrets.tryOpen('endpoint', sealed)).toBe('text');
    expect(secrets.tryOpen('other', sealed)).toBeUndefined();
    expect(secrets.sealAlike('other', 'text', 2_000)).not.toBe(sealed);
    const other = secrets.sealAlike('endpoint', 'texu', 2_000);
    expect(other.slice(0, 16)).not.toBe(sealed.slice(0, 16));
  });

  test('KY5 after a rotation what is older is sealed as it was, what is younger by the new key', async () => {
    const [old, fresh] = [aKey(), aKey()];
    const ring = (...keys: string[]) => ({ folder, given: { text: keys.join('\n') } });
    const before = await openSecrets({ ...ring(old), now: 1_000 });
    const sealed = before.sealAlike('endpoint', 'text', 1_500);
    for (const now of [2_000, 3_000]) {
      const rotated = await openSecrets({ ...ring(fresh, old), now });
      expect(rotated.sealAlike('endpoint', 'text', 1_500)).toBe(sealed);
      const younger = rotated.sealAlike('endpoint', 'text', 2_000);
      expect(younger).not.toBe(sealed);
      expect([rotated.tryOpen('endpoint', younger), before.tryOpen('endpoint', younger)]).toEqual([
        'text',
        undefined,
      ]);
    }
  });

  test('KY3 what was changed or cut anywhere does not open and does not verify', async () => {
    const secrets = await openSecrets({ folder });
    const sealed = Buffer.from(secrets.seal('client', 'text'), 'base64url');
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => secrets.open('client', changed.toString('base64url'))).toThrow('does not open');
      const cut = sealed.subarray(0, at).toString('base64url');
      expect(() => secrets.open('client', cut)).toThrow('does not open');
    }
    const mac = secrets.mac('form', 'data');
    for (const wrong of [mac.subarray(1), Buffer.concat([mac, mac]), Buffer.alloc(32), Buffer.alloc(0)]) {
      expect(secrets.verifyMac('form', 'data', wrong)).toBe(false);
    }
    expect(() => secrets.open('client', 'not base64 at all …')).toThrow('does not open');
  });
});

describe('keys and databases belong together', () => {
  test('KY4 other keys than those that sealed are refused, and nothing is changed by the try', async () => {
    const [old, other] = [aKey(), aKey()];
    await given(old);
    const noted = readFileSync(join(folder, 'sealed-with'), 'utf8');
    await expect(given(other)).rejects.toThrow('was sealed with other keys');
    await expect(given(other)).rejects.toThrow('put the old key behind the new one');
    expect(readFileSync(join(folder, 'sealed-with'), 'utf8')).toBe(noted);
    await given(other, old);
  });

  test('KY4 after a rotation the old key is still needed, and the new one from then on', async () => {
    const [old, fresh] = [aKey(), aKey()];
    await given(old);
    await given(fresh, old);
    await expect(given(fresh)).rejects.toThrow('was sealed with other keys');
    await expect(given(old)).rejects.toThrow('was sealed with other keys');
    await given(old, fresh);
  });

  test('KY4 keys that are gone are not replaced beside a database that they sealed', async () => {
    await openSecrets({ folder });
    rmSync(join(folder, 'secrets'));
    await expect(openSecrets({ folder })).rejects.toThrow('are gone');
    rmSync(join(folder, 'sealed-with'));
    writeFileSync(join(folder, 'control.db'), 'a restored backup without its keys');
    await expect(openSecrets({ folder })).rejects.toThrow(/are gone.*--secrets-file/);
    expect(readdirSync(folder)).toEqual(['control.db']);
  });
});
