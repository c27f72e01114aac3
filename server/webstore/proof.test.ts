import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PbfWriter } from 'pbf';
import { ReveilleError } from '../../protocol/errors.ts';
import { openSecrets } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import { type AppKey, makeKeyPair, readDerKey, readKeyFile } from './app-key.ts';
import { openCrx } from './crx.ts';
import { Proofs } from './proof.ts';

const DAY_MS = 86_400_000;
let now = Date.UTC(2026, 0, 1);
const clock: Clock = { now: () => now, after: () => () => undefined };

const folder = mkdtempSync(join(tmpdir(), 'reveille-crx-'));
const proofs = new Proofs(await openSecrets({ folder }), clock);

interface Pair {
  readonly appKey: AppKey;
  readonly privatePem: string;
}

let ours: Pair;
let foreign: Pair;

beforeAll(async () => {
  ours = await makeKeyPair();
  foreign = await makeKeyPair();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A package as the real packer makes it. */
function packWithChromium(privatePem: string, files: Record<string, string>): Buffer {
  const home = mkdtempSync(join(folder, 'pack-'));
  const extension = join(home, 'extension');
  mkdirSync(extension);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(extension, name), text);
  writeFileSync(join(home, 'key.pem'), privatePem);
  const flags = [
    '--no-sandbox',
    '--headless=new',
    '--disable-background-networking',
    `--user-data-dir=${join(home, 'profile')}`,
  ];
  execFileSync(
    'chromium',
    [...flags, `--pack-extension=${extension}`, `--pack-extension-key=${join(home, 'key.pem')}`],
    { stdio: 'ignore' },
  );
  return readFileSync(join(home, 'extension.crx'));
}

interface Parts {
  readonly key: AppKey;
  readonly signer: string;
  readonly id?: Buffer;
  readonly archive?: string;
}

/** A package made by hand, so that each part can be wrong. */
function packByHand({ key, signer, id, archive = 'zip' }: Parts): Buffer {
  const der = key.object.export({ format: 'der', type: 'spki' });
  const data = new PbfWriter();
  data.writeBytesField(1, id ?? createHash('sha256').update(der).digest().subarray(0, 16));
  const signedData = Buffer.from(data.finish());
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signedData.length);
  const input = Buffer.concat([Buffer.from('CRX3 SignedData\0'), length, signedData, Buffer.from(archive)]);
  const header = new PbfWriter();
  header.writeMessage(
    2,
    (_, pbf) => {
      pbf.writeBytesField(1, der);
      pbf.writeBytesField(2, sign('sha256', input, createPrivateKey(signer)));
    },
    undefined,
  );
  header.writeBytesField(10_000, signedData);
  return frame(Buffer.from(header.finish()), Buffer.from(archive));
}

function frame(header: Buffer, archive: Buffer, format = 3): Buffer {
  const prefix = Buffer.from('Cr24\0\0\0\0\0\0\0\0');
  prefix.writeUInt32LE(format, 4);
  prefix.writeUInt32LE(header.length, 8);
  return Buffer.concat([prefix, header, archive]);
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ReveilleError && error.code === 'input-invalid') return error.sentence;
    throw error;
  }
  throw new Error('it was not refused');
}

const manifest = JSON.stringify({ manifest_version: 3, name: 'Proof', version: '1.0' });

describe('packages', () => {
  test('AP6 a package of the real packer is read, and its id is that of the key', () => {
    const crx = openCrx(packWithChromium(ours.privatePem, { 'manifest.json': manifest }));
    expect(crx.appKey.id).toBe(ours.appKey.id);
    expect(Buffer.from(crx.archive).toString('latin1', 0, 2)).toBe('PK');
  });

  test('AP6 one changed byte anywhere in archive or signed data is refused', () => {
    const whole = packWithChromium(ours.privatePem, { 'manifest.json': manifest });
    const signedData = whole.indexOf(
      createHash('sha256').update(Buffer.from(ours.appKey.key, 'base64')).digest().subarray(0, 16),
    );
    for (const place of [whole.length - 1, whole.lastIndexOf('manifest.json'), signedData]) {
      const tampered = Buffer.from(whole);
      tampered.writeUInt8((tampered[place] ?? 0) ^ 1, place);
      expect(refusal(() => openCrx(tampered))).toMatch(/changed after it was signed|no RSA proof/);
    }
  });

  test('AP6 a foreign signature under our key, or our proof under a foreign id, is refused', () => {
    expect(refusal(() => openCrx(packByHand({ key: ours.appKey, signer: foreign.privatePem })))).toContain(
      'signature is wrong',
    );
    const id = createHash('sha256')
      .update(Buffer.from(foreign.appKey.key, 'base64'))
      .digest()
      .subarray(0, 16);
    expect(refusal(() => openCrx(packByHand({ key: ours.appKey, signer: ours.privatePem, id })))).toContain(
      'no RSA proof',
    );
    expect(
      refusal(() => openCrx(packByHand({ key: ours.appKey, signer: ours.privatePem, id: Buffer.alloc(3) }))),
    ).toContain('names no id');
  });

  test('AP6 another format, a cut header and random bytes are refused, never a crash', () => {
    const whole = packByHand({ key: ours.appKey, signer: ours.privatePem });
    expect(refusal(() => openCrx(Buffer.from('PK')))).toContain('does not begin');
    expect(refusal(() => openCrx(frame(Buffer.from('x'), Buffer.from('zip'), 2)))).toContain('format 2');
    expect(refusal(() => openCrx(whole.subarray(0, 100)))).toContain('cut off');
    for (let round = 0; round < 200; round += 1) {
      const header = Buffer.from(crypto.getRandomValues(new Uint8Array(round)));
      expect(refusal(() => openCrx(frame(header, Buffer.from('zip'))))).toContain('not accepted');
    }
  });
});

describe('proofs', () => {
  const check = (proof: Parameters<Proofs['check']>[3], group = 'g'): void =>
    proofs.check(ours.appKey.id, ours.appKey.object, group, proof);

  test('AP5 the command that the page shows makes a signature that proves', () => {
    const challenge = proofs.challenge(ours.appKey.id, 'g');
    const file = join(folder, 'key.pem');
    writeFileSync(file, ours.privatePem);
    const command = `printf %s '${challenge}' | openssl dgst -sha256 -sign '${file}' | openssl base64`;
    const signature = execFileSync('sh', ['-c', command]).toString();
    check({ kind: 'signature', challenge, signature });
  });

  test('AP5 a signature by another key, over another text, for another group or a day later proves nothing', () => {
    const challenge = proofs.challenge(ours.appKey.id, 'g');
    const signed = (pem: string, text: string): string =>
      sign('sha256', Buffer.from(text), createPrivateKey(pem)).toString('base64');
    const good = { kind: 'signature', challenge, signature: signed(ours.privatePem, challenge) } as const;
    check(good);
    expect(refusal(() => check({ ...good, signature: signed(foreign.privatePem, challenge) }))).toContain(
      'not by the private key',
    );
    expect(refusal(() => check({ ...good, signature: signed(ours.privatePem, `${challenge}x`) }))).toContain(
      'not by the private key',
    );
    expect(refusal(() => check({ ...good, signature: '' }))).toContain('not by the private key');
    expect(refusal(() => check(good, 'another group'))).toContain('not for this app and group');
    expect(
      refusal(() =>
        check({ ...good, challenge: 'anything', signature: signed(ours.privatePem, 'anything') }),
      ),
    ).toContain('not for this app and group');
    now += DAY_MS + 1;
    expect(refusal(() => check(good))).toContain('its day is over');
  });

  test('AP5 a later end cannot be written into a challenge', () => {
    const challenge = proofs
      .challenge(ours.appKey.id, 'g')
      .replace(/-([0-9]{13})-/, (_, until: string) => `-${Number(until) + DAY_MS}-`);
    const signature = sign('sha256', Buffer.from(challenge), createPrivateKey(ours.privatePem)).toString(
      'base64',
    );
    expect(refusal(() => check({ kind: 'signature', challenge, signature }))).toContain(
      'not for this app and group',
    );
  });

  test('AP4 the key file of another app proves nothing and the answer names that app', () => {
    check({ kind: 'key-file', pem: ours.privatePem });
    expect(refusal(() => check({ kind: 'key-file', pem: foreign.privatePem }))).toContain(foreign.appKey.id);
    expect(readKeyFile(foreign.privatePem).id).toBe(foreign.appKey.id);
  });

  test('AP7 a package with a file named like the challenge proves; it is made by the real packer', () => {
    const challenge = proofs.challenge(ours.appKey.id, 'g');
    check({
      kind: 'package',
      file: packWithChromium(ours.privatePem, { 'manifest.json': manifest, [challenge]: '' }),
    });
  });

  test('AP7 a package that anyone can download, one with the challenge of another group and one of another app prove nothing', () => {
    const bare = packWithChromium(ours.privatePem, { 'manifest.json': manifest });
    expect(refusal(() => check({ kind: 'package', file: bare }))).toContain('anyone can download');
    const others = proofs.challenge(ours.appKey.id, 'another group');
    const forOthers = packByHand({ key: ours.appKey, signer: ours.privatePem, archive: `PK ${others}` });
    expect(refusal(() => check({ kind: 'package', file: forOthers }))).toContain('anyone can download');
    const mine = proofs.challenge(ours.appKey.id, 'g');
    const ofAnother = packByHand({ key: foreign.appKey, signer: foreign.privatePem, archive: `PK ${mine}` });
    expect(refusal(() => check({ kind: 'package', file: ofAnother }))).toContain('another app');
    expect(readDerKey(Buffer.from(foreign.appKey.key, 'base64')).id).toBe(foreign.appKey.id);
  });

  test('AP7 a challenge added behind a downloaded package breaks its signature', () => {
    const bare = packWithChromium(ours.privatePem, { 'manifest.json': manifest });
    const file = Buffer.concat([bare, Buffer.from(proofs.challenge(ours.appKey.id, 'g'))]);
    expect(refusal(() => check({ kind: 'package', file }))).toContain('changed after it was signed');
  });
});

test('AP2 an RSA key of 512 bits in a package is no key of an app', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 512 });
  const der = short.publicKey.export({ format: 'der', type: 'spki' });
  expect(refusal(() => readDerKey(der))).toContain('1024');
});
