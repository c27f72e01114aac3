// The library resolves its algorithms by decorators, which need this first.
import 'reflect-metadata';
import { X509Certificate as ReadCertificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { certificateFiles } from './certificate-files.ts';
import { ConfigError } from './config.ts';

/** A certificate and its private key, both in PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** P-256: every browser takes it, and a login storm costs the server a small part of what RSA would. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
/** The longest that Apple's systems take from an authority that a user has added; the others have no limit for those. */
const SERVER_DAYS = 825;
/** Clocks of browsers may be behind ours. */
const EARLIER_MS = DAY_MS;

/** A local certificate authority that may sign servers and no further authority (RFC 5280 section 4.2.1.9). */
export async function makeAuthority(now: Date): Promise<Certified> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['Reveille'] }, { CN: [`Reveille authority of ${hostname().slice(0, 40)}`] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity(now, AUTHORITY_DAYS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await privateKeyPem(keys.privateKey) };
}

/**
 * A server's certificate for `hosts` (DNS names and IP addresses), with the authority's behind it.
 * @throws ConfigError when one is neither, or there is none.
 */
export async function issueCertificate(
  authority: Certified,
  hosts: readonly string[],
  now: Date,
): Promise<Certified> {
  const names = hosts.map(subjectName);
  if (names.length === 0) throw new ConfigError('A certificate needs at least one --host.');
  const issuer = new X509Certificate(authority.cert);
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.create({
    issuer: issuer.subjectName,
    subject: [{ O: ['Reveille'] }, { CN: [(names[0]?.value ?? '').slice(0, 64)] }],
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    ...validity(now, SERVER_DAYS),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: `${pem(cert)}${authority.cert}`, key: await privateKeyPem(keys.privateKey) };
}

/**
 * Makes the certificate of `hosts` in the data folder. The authority that is there is kept, so that browsers which trust it
 * need nothing; one that ran out gives way to another.
 * @throws ConfigError as issueCertificate.
 */
export async function keepCertificates(
  dataFolder: string,
  hosts: readonly string[],
  now: Date,
): Promise<{ readonly authority: 'made' | 'kept' }> {
  const files = certificateFiles(dataFolder);
  const held = await heldAuthority(dataFolder, now);
  const authority = held ?? (await makeAuthority(now));
  const issued = await issueCertificate(authority, hosts, now);
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  if (held === undefined) {
    await writeWhole(files.authorityKey, authority.key);
    await writeWhole(files.authorityCert, authority.cert);
  }
  await writeWhole(files.serverKey, issued.key);
  await writeWhole(files.serverCert, issued.cert);
  return { authority: held === undefined ? 'made' : 'kept' };
}

async function heldAuthority(dataFolder: string, now: Date): Promise<Certified | undefined> {
  const { authorityCert, authorityKey } = certificateFiles(dataFolder);
  try {
    const held = { cert: await readFile(authorityCert, 'utf8'), key: await readFile(authorityKey, 'utf8') };
    const until = Date.parse(new ReadCertificate(held.cert).validTo);
    return until - now.getTime() > SERVER_DAYS * DAY_MS ? held : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(
      `The authority in ${authorityCert} cannot be read (${(error as Error).message}). Mend it, or move it away to have another made.`,
    );
  }
}

/** RFC 5280 section 4.2.1.6: a DNS name or an IP address. */
function subjectName(host: string): { type: 'dns' | 'ip'; value: string } {
  const bare = host.trim().replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return { type: 'ip', value: bare };
  const label = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
  if (bare.length <= 253 && new RegExp(`^(\\*\\.)?${label}(\\.${label})*$`, 'i').test(bare))
    return { type: 'dns', value: bare.toLowerCase() };
  throw new ConfigError(`--host takes a DNS name or an IP address, not ${JSON.stringify(host)}.`);
}

function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const at = now.getTime();
  return { notBefore: new Date(at - EARLIER_MS), notAfter: new Date(at - EARLIER_MS + days * DAY_MS) };
}

const pem = (cert: X509Certificate): string => `${cert.toString('pem')}\n`;

async function privateKeyPem(key: CryptoKey): Promise<string> {
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), PemConverter.PrivateKeyTag)}\n`;
}

async function importKey(text: string): Promise<CryptoKey> {
  const [der] = PemConverter.decode(text);
  if (der === undefined) throw new ConfigError('The key of the authority is no key in PEM.');
  return await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await chmod(draft, 0o600);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
