import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** What the service keeps from everyone: keys for MACs, for sealing, for cookies. One derived key for each purpose. */
export interface Secrets {
  /** HMAC-SHA-256 by the first key of the ring. */
  mac(purpose: string, data: string): Buffer;
  /** HMAC-SHA-256 by every key of the ring, the first one's first: for formats with room for a part of it only. */
  macs(purpose: string, data: string): readonly Buffer[];
  /** True when any key of the ring made it. In constant time. */
  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean;
  /** Seals text so that only this ring opens it: AES-256-GCM by the first key, base64url. */
  seal(purpose: string, text: string): string;
  /**
   * Seals so that the same text of the same time is sealed the same: the nonce is a MAC of the text.
   * @param since when the text was first sealed (milliseconds since 1970): by the key that was the first one then.
   */
  sealAlike(purpose: string, text: string, since: number): string;
  /** @throws Error when no key of the ring opens it, or it was sealed for another purpose. */
  open(purpose: string, sealed: string): string;
  /** As open, for what strangers bring: undefined when it was not sealed here. */
  tryOpen(purpose: string, sealed: string): string | undefined;
  /** The secret that signs cookies. */
  cookieSecret(): string;
}

/** The ring as the operator gave it; undefined = it lives in the data folder. */
export type GivenSecrets = { readonly text: string } | { readonly file: string } | undefined;

const RING_FILE = 'secrets';
const SEALED_WITH_FILE = 'sealed-with';
/** Sealed text is in here (docs/storage.md): where it stands, keys have been at work. */
const SEALED_DATABASE = 'control.db';
const KEY_BYTES = 32;
const BASE64 = /^[A-Za-z0-9_+/-]+=*$/;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Opens the ring of keys: one key a line, 32 bytes in base64url; the first makes, all verify and open. Without one given it
 * is made at first start in the data folder, mode 600.
 * @throws Error with a text for the operator when the ring cannot be read, or lacks a key that something here was sealed with.
 */
export async function openSecrets({
  folder,
  given,
  now = Date.now(),
}: {
  readonly folder: string;
  readonly given?: GivenSecrets;
  /** Milliseconds since 1970. */
  readonly now?: number;
}): Promise<Secrets> {
  const ring = readRing(folder, given);
  return new Ring(ring, noteFirst(folder, ring, now));
}

/** One key of the ring, by its place there, and when it became the first one. */
interface Reign {
  readonly place: number;
  readonly since: number;
}

/** The secrets of a ring of keys, each of 32 bytes. */
export class Ring implements Secrets {
  readonly #keys: readonly Buffer[];
  readonly #reigns: readonly Reign[];
  readonly #derived = new Map<string, readonly Buffer[]>();

  /** @param reigns which key was the first one from when on, in this order; none = the first one always was. */
  constructor(keys: readonly Buffer[], reigns: readonly Reign[] = []) {
    this.#keys = keys;
    this.#reigns = reigns;
  }

  mac(purpose: string, data: string): Buffer {
    return hmac(this.#first(`mac ${purpose}`), data);
  }

  macs(purpose: string, data: string): readonly Buffer[] {
    return this.#ring(`mac ${purpose}`).map((key) => hmac(key, data));
  }

  verifyMac(purpose: string, data: string, mac: Uint8Array): boolean {
    let good = false;
    for (const key of this.#ring(`mac ${purpose}`)) {
      const expected = hmac(key, data);
      if (mac.length === expected.length && timingSafeEqual(mac, expected)) good = true;
    }
    return good;
  }

  seal(purpose: string, text: string): string {
    return sealWith(this.#first(`seal ${purpose}`), randomBytes(NONCE_BYTES), text);
  }

  sealAlike(purpose: string, text: string, since: number): string {
    const place = this.#reigns.findLast((reign) => reign.since <= since)?.place ?? 0;
    const [key, nonceKey] = [`seal ${purpose}`, `nonce ${purpose}`].map((use) => this.#ring(use)[place]);
    if (key === undefined || nonceKey === undefined) throw new Error('The ring has no such key.');
    return sealWith(key, hmac(nonceKey, text).subarray(0, NONCE_BYTES), text);
  }

  open(purpose: string, sealed: string): string {
    const text = this.tryOpen(purpose, sealed);
    if (text === undefined)
      throw new Error(`A secret (${purpose}) does not open with the keys of this server.`);
    return text;
  }

  tryOpen(purpose: string, sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    for (const key of this.#ring(`seal ${purpose}`)) {
      const text = unseal(key, bytes);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  cookieSecret(): string {
    return this.#first('cookies').toString('base64url');
  }

  #first(use: string): Buffer {
    return this.#ring(use)[0] as Buffer;
  }

  /** Uses are a closed set in the code, so what is remembered here stays small. */
  #ring(use: string): readonly Buffer[] {
    const known = this.#derived.get(use);
    if (known !== undefined) return known;
    const derived = this.#keys.map((key) =>
      Buffer.from(hkdfSync('sha256', key, '', `reveille ${use}`, KEY_BYTES)),
    );
    this.#derived.set(use, derived);
    return derived;
  }
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Nonce, tag, body, in base64url. */
function sealWith(key: Buffer, nonce: Buffer, text: string): string {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

function unseal(key: Buffer, bytes: Buffer): string | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
  try {
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function readRing(folder: string, given: GivenSecrets): readonly Buffer[] {
  if (given !== undefined && 'text' in given) return parseRing(given.text, 'REVEILLE_SECRETS');
  const path = given?.file ?? join(folder, RING_FILE);
  if (existsSync(path)) {
    // A file that the operator names may be a mount with a mode of its own; the one made here has ours, or someone changed it.
    if (given === undefined) assertPrivate(path);
    return parseRing(readFileSync(path, 'utf8'), path);
  }
  if (given !== undefined) throw new Error(`The file of the keys, ${path}, does not exist.`);
  if ([SEALED_WITH_FILE, SEALED_DATABASE].some((file) => existsSync(join(folder, file)))) {
    throw new Error(
      `The keys of this server, ${path}, are gone, and its database was sealed with them. Put the file back, ` +
        'or name it with --secrets-file.',
    );
  }
  const key = randomBytes(KEY_BYTES);
  writeDurably(path, `${key.toString('base64url')}\n`);
  return [key];
}

function parseRing(text: string, where: string): readonly Buffer[] {
  const keys = text
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    // Buffer.from passes over what is not base64; a key with a slip in it must not be taken for another key.
    .map((word) => (BASE64.test(word) ? Buffer.from(word, 'base64url') : Buffer.alloc(0)));
  if (keys.length === 0 || keys.some((key) => key.length !== KEY_BYTES)) {
    throw new Error(
      `${where} must hold at least one key, one a line: ${KEY_BYTES} random bytes in base64url ` +
        '(openssl rand -base64 32).',
    );
  }
  return keys;
}

/**
 * Notes beside the databases which keys ever sealed in them, as fingerprints, each with the time at which it became the first
 * one, and refuses a ring that lacks one: a server that started with other keys would void every token and open no secret.
 */
function noteFirst(folder: string, ring: readonly Buffer[], now: number): readonly Reign[] {
  const path = join(folder, SEALED_WITH_FILE);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  const known = lines.map((line) => line.split(' ')[0] ?? '');
  const have = ring.map((key) => hmac(key, 'reveille fingerprint').toString('hex').slice(0, 32));
  if (known.some((fingerprint) => !have.includes(fingerprint))) {
    throw new Error(
      `The database in ${folder} was sealed with other keys than those given. Start with the old ring, ` +
        'or put the old key behind the new one: the first key makes, all of them verify.',
    );
  }
  const [first = ''] = have;
  if (!known.includes(first)) {
    lines.push(`${first} ${now}`);
    writeDurably(path, `${lines.join('\n')}\n`);
  }
  return lines.map((line) => {
    const [fingerprint = '', since = 0] = line.split(' ');
    return { place: have.indexOf(fingerprint), since: Number(since) };
  });
}

function assertPrivate(path: string): void {
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw new Error(
    `The keys of this server, ${path}, can be read by others (mode ${mode.toString(8)}). ` +
      'Find out who read them, then: chmod 600.',
  );
}

/** Whole or not at all, readable by its owner only, and on disk: a power cut must not leave a database without its keys. */
function writeDurably(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(`${path}.part`, 'w', 0o600);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.part`, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
