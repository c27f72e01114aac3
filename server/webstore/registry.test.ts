import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId } from '../../protocol/app-id.ts';
import { type ErrorCode, ReveilleError } from '../../protocol/errors.ts';
import { audit } from '../accounts/audit.ts';
import { type OpenControlDatabase, openControlDatabase } from '../accounts/open-database.ts';
import { openSecrets } from '../config/secrets.ts';
import { systemClock } from '../core/clock.ts';
import { readKeyFile, readPublicKey } from './app-key.ts';
import { Apps } from './apps.ts';
import { Groups } from './groups.ts';
import { Proofs } from './proof.ts';

const pair = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const { id: pairId, key: pairKey } = readPublicKey(pair.publicKey);

let folder: string;
let control: OpenControlDatabase;
let groups: Groups;
let apps: Apps;
let rightsEnded = 0;
let removedApps: AppId[];
/** The groups that ann and bob own. */
let ofAnn: string;
let ofBob: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reveille-registry-'));
  control = await openControlDatabase(join(folder, 'control.sqlite'));
  const secrets = await openSecrets({ folder });
  rightsEnded = 0;
  removedApps = [];
  const shared = {
    db: control.db,
    clock: systemClock,
    audit: audit(control.db),
    rightsEnded: () => {
      rightsEnded += 1;
    },
  };
  groups = new Groups({ ...shared, random: (bytes) => randomBytes(bytes) });
  const appRemoved = async (app: AppId): Promise<void> => {
    removedApps.push(app);
  };
  apps = new Apps({ ...shared, secrets, groups, proofs: new Proofs(secrets, systemClock), appRemoved });
  for (const name of ['ann', 'bob', 'cat']) addAccount(name);
  ofAnn = await groups.create('ann', 'Ann and friends');
  ofBob = await groups.create('bob', 'Bob');
});

afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true });
});

function addAccount(name: string): void {
  control.sqlite.run(
    'INSERT INTO user (id, name, email, emailVerified, createdAt, updatedAt, role, disabled) VALUES (?, ?, ?, 0, 0, 0, ?, 0)',
    [name, name, `${name}@example.com`, 'user'],
  );
}

async function joins(account: string, group: string, owner: string): Promise<void> {
  await groups.invite(owner, group, `${account}@example.com`);
  await groups.answer(account, group, true);
}

async function refused(work: Promise<unknown>): Promise<{ code: ErrorCode; sentence: string }> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ReveilleError)) throw new Error('it was not refused', { cause: thrown });
  return { code: thrown.code, sentence: thrown.sentence };
}

async function registered(
  group: string,
  owner: string,
  source: Parameters<Apps['register']>[3],
): Promise<AppId> {
  const { state, id } = await apps.register(owner, group, 'Hello', source);
  expect(state).toBe('registered');
  return id;
}

describe('publisher groups', () => {
  test('AP10 an invited account has no right before its own yes', async () => {
    await groups.invite('ann', ofAnn, ' BOB@example.com ');
    expect(await groups.isMember('bob', ofAnn)).toBe(false);
    expect((await refused(groups.open('bob', ofAnn))).code).toBe('not-found');
    expect((await groups.ofAccount('bob')).map(({ name, role }) => [name, role])).toEqual([
      ['Ann and friends', 'invited'],
      ['Bob', 'owner'],
    ]);
    await groups.answer('bob', ofAnn, true);
    expect(await groups.isMember('bob', ofAnn)).toBe(true);
  });

  test('AP10 a declined invitation leaves nothing, and nobody answers one that was not sent', async () => {
    await groups.invite('ann', ofAnn, 'bob@example.com');
    await groups.answer('bob', ofAnn, false);
    expect(await groups.roleOf('bob', ofAnn)).toBeUndefined();
    expect((await refused(groups.answer('bob', ofAnn, true))).code).toBe('not-found');
    expect((await refused(groups.answer('ann', ofAnn, true))).code).toBe('not-found');
  });

  test('AP10 an address without an account and one that is in the group are refused with a sentence', async () => {
    expect((await refused(groups.invite('ann', ofAnn, 'nobody@example.com'))).sentence).toContain(
      'sign up first',
    );
    expect((await refused(groups.invite('ann', ofAnn, 'ann@example.com'))).sentence).toContain(
      'in the group or invited',
    );
  });

  test('AP10 an owner cannot make an invited account a member', async () => {
    await groups.invite('ann', ofAnn, 'bob@example.com');
    expect((await refused(groups.setRole('ann', ofAnn, 'bob', 'member'))).code).toBe('input-invalid');
    expect(await groups.isMember('bob', ofAnn)).toBe(false);
  });

  test('AP10 a disabled account is in no group', async () => {
    await joins('bob', ofAnn, 'ann');
    await control.db.updateTable('user').set({ disabled: 1 }).where('id', '=', 'bob').execute();
    expect(await groups.isMember('bob', ofAnn)).toBe(false);
  });

  test('AP11 the last owner neither leaves nor steps down', async () => {
    await joins('bob', ofAnn, 'ann');
    expect((await refused(groups.remove('ann', ofAnn, 'ann'))).sentence).toContain('at least one owner');
    expect((await refused(groups.setRole('ann', ofAnn, 'ann', 'member'))).sentence).toContain(
      'at least one owner',
    );
    await groups.setRole('ann', ofAnn, 'bob', 'owner');
    await groups.remove('ann', ofAnn, 'ann');
    expect((await groups.open('bob', ofAnn)).members.map(({ email, role }) => [email, role])).toEqual([
      ['bob@example.com', 'owner'],
    ]);
  });

  test('AP12 leaving and a changed role tell the holder of rights before the call settles', async () => {
    await joins('bob', ofAnn, 'ann');
    for (const change of [
      () => groups.setRole('ann', ofAnn, 'bob', 'owner'),
      () => groups.setRole('ann', ofAnn, 'bob', 'member'),
      () => groups.remove('bob', ofAnn, 'bob'),
    ]) {
      const before = rightsEnded;
      await change();
      expect(rightsEnded).toBe(before + 1);
    }
    expect(await groups.isMember('bob', ofAnn)).toBe(false);
  });

  test('AP13 a stranger finds no group, a member may look and leave and no more', async () => {
    await joins('bob', ofAnn, 'ann');
    expect((await groups.open('bob', ofAnn)).name).toBe('Ann and friends');
    for (const act of [
      groups.invite('bob', ofAnn, 'cat@example.com'),
      groups.setRole('bob', ofAnn, 'bob', 'owner'),
      groups.remove('bob', ofAnn, 'ann'),
      apps.register('bob', ofAnn, 'Mine', { kind: 'made' }),
    ])
      expect((await refused(act)).code).toBe('forbidden');
    for (const act of [
      groups.open('cat', ofAnn),
      groups.invite('cat', ofAnn, 'cat@example.com'),
      groups.remove('cat', ofAnn, 'cat'),
      groups.history('cat', ofAnn, 10),
      apps.register('cat', ofAnn, 'Mine', { kind: 'made' }),
    ])
      expect((await refused(act)).code).toBe('not-found');
  });

  test('AP16 a group goes to a member that is left; without one its apps are removed', async () => {
    await joins('cat', ofAnn, 'ann');
    const shared = await registered(ofAnn, 'ann', { kind: 'made' });
    const alone = await registered(ofBob, 'bob', { kind: 'made' });
    await apps.accountRemoved('ann');
    expect(await groups.roleOf('cat', ofAnn)).toBe('owner');
    expect((await apps.open('cat', shared)).title).toBe('Hello');
    await apps.accountRemoved('bob');
    expect(await apps.find(alone)).toBeUndefined();
    expect(removedApps).toEqual([alone]);
  });
});

describe('the registry of apps', () => {
  test('AP3 an app with a pair of ours is proven; the key is sealed at rest and comes out whole, for an owner only', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    await joins('bob', ofAnn, 'ann');
    const app = await apps.open('bob', id);
    expect([app.proven, app.keyHeld, readPublicKey(app.key).id]).toEqual([true, true, id]);
    const row = await control.db.selectFrom('apps').selectAll().executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain('PRIVATE');
    expect(row.private_key_sealed).not.toBeNull();
    expect(readKeyFile(await apps.privateKey('ann', id)).id).toBe(id);
    expect((await refused(apps.privateKey('bob', id))).code).toBe('forbidden');
    expect((await refused(apps.privateKey('cat', id))).code).toBe('not-found');
  });

  test('AP4 by its public key alone an app is unproven, by its key file proven, and the file is not kept', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'public-key', text: pair.publicKey });
    expect(id).toBe(pairId);
    expect((await apps.find(id))?.proven).toBe(false);
    await apps.remove('ann', id);
    await registered(ofAnn, 'ann', { kind: 'key-file', pem: pair.privateKey });
    expect((await apps.open('ann', id)).keyHeld).toBe(false);
    expect((await apps.find(id))?.proven).toBe(true);
    expect((await refused(apps.privateKey('ann', id))).code).toBe('not-found');
  });

  test('AP5 signing the challenge turns an unproven app into a proven one', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'public-key', text: pairKey });
    const before = rightsEnded;
    const challenge = await apps.challenge('ann', id, ofAnn);
    const signature = sign('sha256', Buffer.from(challenge), createPrivateKey(pair.privateKey)).toString(
      'base64',
    );
    await apps.claim('ann', ofAnn, 'Hello', pairKey, { kind: 'signature', challenge, signature });
    expect((await apps.find(id))?.proven).toBe(true);
    expect(rightsEnded).toBe(before + 1);
  });

  test('AP8 a proven claim takes the app from an unproven one, clears what that had set, and both groups read of it', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'public-key', text: pairKey });
    await apps.update('ann', id, {
      title: 'Ours',
      channelConsent: 'none',
      origins: 'https://ann.example',
      redirectUris: 'https://ann.example/back',
      subchannels: '0 news',
    });
    const contested = await apps.register('bob', ofBob, 'Hello', { kind: 'public-key', text: pairKey });
    expect(contested).toEqual({ state: 'contested', id, key: pairKey });
    expect((await apps.find(id))?.group).toBe(ofAnn);
    const before = rightsEnded;
    await apps.register('bob', ofBob, 'Hello', { kind: 'key-file', pem: pair.privateKey });
    expect(await apps.find(id)).toEqual({
      id,
      title: 'Hello',
      group: ofBob,
      proven: true,
      channelConsent: 'none',
      origins: [],
      redirectUris: [],
      subchannelNames: new Map(),
    });
    expect(rightsEnded).toBe(before + 1);
    expect((await groups.history('ann', ofAnn, 1))[0]).toMatchObject({
      event: 'app.displaced',
      who: 'bob@example.com',
    });
    expect((await groups.history('bob', ofBob, 1))[0]).toMatchObject({ event: 'app.proven' });
    expect((await refused(apps.open('ann', id))).code).toBe('not-found');
  });

  test('AP9 a proven app is not taken, neither by its public key nor by the same private key', async () => {
    await registered(ofAnn, 'ann', { kind: 'key-file', pem: pair.privateKey });
    for (const source of [
      { kind: 'public-key', text: pairKey },
      { kind: 'key-file', pem: pair.privateKey },
    ] as const)
      expect((await refused(apps.register('bob', ofBob, 'Mine', source))).sentence).toContain(
        'another publisher group',
      );
    expect(
      (await refused(apps.register('ann', ofAnn, 'Again', { kind: 'public-key', text: pairKey }))).sentence,
    ).toContain('has this app already');
    expect((await apps.find(pairId))?.group).toBe(ofAnn);
  });

  test('AP12 a transfer takes the right of the old group and gives it to the other', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    const other = await groups.create('ann', 'Company');
    const before = rightsEnded;
    await apps.transfer('ann', id, other);
    expect(rightsEnded).toBe(before + 1);
    expect((await apps.find(id))?.group).toBe(other);
    expect((await refused(apps.transfer('ann', id, ofBob))).code).toBe('not-found');
  });

  test('AP12 a removal ends rights first, then channels', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    const before = rightsEnded;
    await apps.remove('ann', id);
    expect(rightsEnded).toBe(before + 1);
    expect(removedApps).toEqual([id]);
    expect(await apps.find(id)).toBeUndefined();
  });

  test('AP13 a member sees the app and is refused every change of it; a stranger finds none', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    await joins('bob', ofAnn, 'ann');
    expect((await apps.appsOf('bob')).map((app) => app.id)).toEqual([id]);
    expect(await apps.appsOf('cat')).toEqual([]);
    const form = { title: 'x', channelConsent: 'none', origins: '', redirectUris: '', subchannels: '' };
    for (const [who, code] of [
      ['bob', 'forbidden'],
      ['cat', 'not-found'],
    ] as const) {
      for (const act of [
        apps.update(who, id, form),
        apps.transfer(who, id, ofBob),
        apps.remove(who, id),
        apps.challenge(who, id, ofAnn),
      ])
        expect((await refused(act)).code).toBe(code);
    }
    await groups.invite('ann', ofAnn, 'cat@example.com');
    expect(await apps.appsOf('cat')).toEqual([]);
  });

  test('AP14 what an unproven app names does not count, and begins to count with the proof', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'public-key', text: pairKey });
    await apps.update('ann', id, {
      title: 'Hello',
      channelConsent: 'none',
      origins: 'https://app.example',
      redirectUris: 'https://app.example/back',
      subchannels: '',
    });
    expect(await apps.find(id)).toMatchObject({ origins: [], redirectUris: [], channelConsent: 'none' });
    await apps.claim('ann', ofAnn, 'Hello', pairKey, { kind: 'key-file', pem: pair.privateKey });
    expect(await apps.find(id)).toMatchObject({
      origins: ['https://app.example'],
      redirectUris: ['https://app.example/back'],
    });
  });

  test('AP14 a redirect to a web page makes the app ask; one that a browser holds does not', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    const set = (redirectUris: string): Promise<void> =>
      apps.update('ann', id, {
        ...{ title: 'Hello', channelConsent: 'none', origins: '', redirectUris, subchannels: '' },
      });
    await set(`https://${'0123456789'.repeat(4)}.extensions.allizom.org/`);
    expect((await apps.find(id))?.channelConsent).toBe('none');
    await set('https://app.example/back');
    expect((await apps.find(id))?.channelConsent).toBe('ask');
    await set('https://extensions.allizom.org.evil.example/');
    expect((await apps.find(id))?.channelConsent).toBe('ask');
    await set(`https://${'0123456789'.repeat(4)}.extensions.allizom.org.evil.example/`);
    expect((await apps.find(id))?.channelConsent).toBe('ask');
  });

  test('AP15 addresses that are none, or that would let others listen, are refused with the line', async () => {
    const id = await registered(ofAnn, 'ann', { kind: 'made' });
    const set = (origins: string, redirectUris: string): Promise<void> =>
      apps.update('ann', id, {
        ...{ title: 'Hello', channelConsent: 'ask', origins, redirectUris, subchannels: '' },
      });
    await set('https://a.example\nhttp://localhost:3000', 'http://127.0.0.1:1/x https://b.example/?x=1');
    for (const [origins, redirects, why] of [
      ['', 'http://a.example/', 'must be https'],
      ['', 'javascript:alert(1)', 'must be https'],
      ['', 'https://a.example/#x', 'no fragment'],
      ['', 'https://*.example/', 'Wildcards'],
      ['', 'https://name:word@a.example/', 'name or password'],
      ['', 'not-an-address', 'not an absolute address'],
      ['https://a.example/path', '', 'nothing behind it'],
      ['', Array.from({ length: 11 }, (_, n) => `https://a.example/${n}`).join('\n'), 'At most 10'],
      ['', `https://a.example/${'x'.repeat(600)}`, 'not an absolute address'],
    ] as const)
      expect((await refused(set(origins, redirects))).sentence).toContain(why);
    expect((await apps.open('ann', id)).settings.origins).toEqual([
      'https://a.example',
      'http://localhost:3000',
    ]);
  });

  test('AP8 two claims at one moment leave one owner', async () => {
    const outcomes = await Promise.allSettled([
      apps.register('ann', ofAnn, 'Hello', { kind: 'key-file', pem: pair.privateKey }),
      apps.register('bob', ofBob, 'Hello', { kind: 'key-file', pem: pair.privateKey }),
    ]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
