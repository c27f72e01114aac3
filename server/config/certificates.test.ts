import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificateFiles, ownCertificate } from './certificate-files.ts';
import { issueCertificate, keepCertificates, makeAuthority } from './certificates.ts';
import { ConfigError } from './config.ts';

const now = new Date();
const DAY_MS = 86_400_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reveille-certificates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Asks a server that has this certificate, trusting this authority only; answers what became of it. */
async function ask(cert: string, key: string, ca: string, host: string): Promise<string> {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { cert, key },
    fetch: () => new Response('ok'),
  });
  try {
    const answer = await fetch(`https://${host}:${server.port}/`, { tls: { ca } });
    return await answer.text();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await server.stop(true);
  }
}

describe('the certificate', () => {
  test('CI14 is good for its names and addresses, for who trusts the authority, and for nobody else', async () => {
    const authority = await makeAuthority(now);
    const stranger = await makeAuthority(now);
    const { cert, key } = await issueCertificate(authority, ['localhost', '127.0.0.1'], now);
    expect(await ask(cert, key, authority.cert, 'localhost')).toBe('ok');
    expect(await ask(cert, key, authority.cert, '127.0.0.1')).toBe('ok');
    expect(await ask(cert, key, stranger.cert, 'localhost')).not.toBe('ok');
    const other = await issueCertificate(authority, ['push.example'], now);
    expect(await ask(other.cert, other.key, authority.cert, 'localhost')).toBe(
      'ERR_TLS_CERT_ALTNAME_INVALID',
    );
  });

  test('CI14 says what it may be used for, and lasts as long as every system takes', async () => {
    const authority = await makeAuthority(now);
    const { cert } = await issueCertificate(authority, ['PUSH.example', '[::1]'], now);
    const read = new X509Certificate(cert);
    expect(read.subjectAltName).toBe('DNS:push.example, IP Address:0:0:0:0:0:0:0:1');
    expect(read.ca).toBe(false);
    expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(read.verify(new X509Certificate(authority.cert).publicKey)).toBe(true);
    const days = (Date.parse(read.validTo) - Date.parse(read.validFrom)) / DAY_MS;
    expect(days).toBe(825);
    expect(Date.parse(read.validFrom)).toBeLessThan(now.getTime());
    expect(new X509Certificate(authority.cert).ca).toBe(true);
  });

  test('CI14 is refused for what is neither name nor address', async () => {
    const authority = await makeAuthority(now);
    for (const host of [
      '',
      'https://push.example',
      'a b',
      'push.example:443',
      '-a.example',
      `${'a'.repeat(64)}.example`,
    ])
      await expect(issueCertificate(authority, [host], now)).rejects.toThrow(ConfigError);
    await expect(issueCertificate(authority, [], now)).rejects.toThrow('--host');
  });
});

describe('the data folder', () => {
  test('CI15 holds authority and certificate, for its owner only', async () => {
    expect(ownCertificate(folder)).toBeUndefined();
    expect(await keepCertificates(folder, ['localhost'], now)).toEqual({ authority: 'made' });
    const files = certificateFiles(folder);
    expect(ownCertificate(folder)).toEqual({ certFile: files.serverCert, keyFile: files.serverKey });
    expect((await stat(files.folder)).mode & 0o777).toBe(0o700);
    for (const path of [files.authorityCert, files.authorityKey, files.serverCert, files.serverKey])
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    const [cert, key, ca] = await Promise.all(
      [files.serverCert, files.serverKey, files.authorityCert].map((path) => readFile(path, 'utf8')),
    );
    expect(await ask(cert ?? '', key ?? '', ca ?? '', 'localhost')).toBe('ok');
  });

  test('CI15 keeps the authority when a certificate is made again, until it runs out', async () => {
    const files = certificateFiles(folder);
    const before = await readFile(files.authorityCert, 'utf8');
    const serverBefore = await readFile(files.serverCert, 'utf8');
    expect(await keepCertificates(folder, ['push.example'], now)).toEqual({ authority: 'kept' });
    expect(await readFile(files.authorityCert, 'utf8')).toBe(before);
    expect(await readFile(files.serverCert, 'utf8')).not.toBe(serverBefore);
    const later = new Date(now.getTime() + 3_000 * DAY_MS);
    expect(await keepCertificates(folder, ['push.example'], later)).toEqual({ authority: 'made' });
    expect(await readFile(files.authorityCert, 'utf8')).not.toBe(before);
  });

  test('CI15 an authority that cannot be read is told of, and not replaced', async () => {
    const files = certificateFiles(folder);
    await writeFile(files.authorityCert, 'no certificate');
    await chmod(files.authorityCert, 0o600);
    await expect(keepCertificates(folder, ['localhost'], now)).rejects.toThrow(files.authorityCert);
    expect(await readFile(files.authorityCert, 'utf8')).toBe('no certificate');
  });
});
