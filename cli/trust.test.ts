import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Certified, issueCertificate, makeAuthority } from '../server/config/certificates.ts';
import { authorityOf, certificateToPin, madeAuthority, presentedAt, spkiOf } from './trust.ts';

const now = new Date();
let authority: Certified;
let folder: string;

beforeAll(async () => {
  authority = await makeAuthority(now);
  folder = await mkdtemp(join(tmpdir(), 'reveille-trust-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A TLS door whose certificate is for `host`, reached at the address that stands for all: it is not a loopback name. */
async function door(host: string) {
  const { cert, key } = await issueCertificate(authority, [host], now);
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    fetch: () => new Response(),
  });
  return {
    loopback: `https://127.0.0.1:${server.port}`,
    elsewhere: `https://0.0.0.0:${server.port}`,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

describe('which certificates a browser is told to trust', () => {
  test('CI20 on loopback whatever stands there', async () => {
    await using one = await door('push.example');
    const certificate = await certificateToPin(one.loopback, undefined);
    expect(certificate?.subjectAltName).toBe('DNS:push.example');
  });

  test('CI20 elsewhere what the given authority vouches for', async () => {
    await using one = await door('0.0.0.0');
    const certificate = await certificateToPin(one.elsewhere, authority.cert);
    expect(certificate?.subjectAltName).toBe('IP Address:0.0.0.0');
  });

  test('CI20 any other is refused, with the reason and what to give', async () => {
    await using one = await door('0.0.0.0');
    const stranger = await makeAuthority(now);
    for (const given of [undefined, stranger.cert])
      await expect(certificateToPin(one.elsewhere, given)).rejects.toThrow('--ca FILE');
    await using wrongName = await door('push.example');
    await expect(certificateToPin(wrongName.elsewhere, authority.cert)).rejects.toThrow('ALTNAME');
  });

  test('CI20 a door that is none is told of', async () => {
    await expect(presentedAt('https://127.0.0.1:9', undefined)).rejects.toThrow('ECONNREFUSED');
    using plain = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    await expect(presentedAt(`https://127.0.0.1:${plain.port}`, undefined)).rejects.toThrow(
      'does not answer with TLS',
    );
  });
});

describe('the authority', () => {
  test('CI20 is the one in the given file, which must hold one', async () => {
    const file = join(folder, 'ca.crt');
    await writeFile(file, authority.cert);
    expect(authorityOf(file)).toBe(authority.cert);
    await writeFile(file, 'nothing');
    expect(() => authorityOf(file)).toThrow('--ca');
    expect(() => authorityOf(join(folder, 'gone'))).toThrow('--ca');
    expect(madeAuthority(folder)).toBeUndefined();
  });

  test('CI20 the hash of a key is what openssl makes of it', async () => {
    await using one = await door('localhost');
    const { certificate } = await presentedAt(one.loopback, undefined);
    const openssl = Bun.spawnSync(
      [
        'sh',
        '-c',
        'openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64',
      ],
      { stdin: Buffer.from(certificate.toString()) },
    );
    expect(spkiOf(certificate)).toBe(openssl.stdout.toString().trim());
  });
});
