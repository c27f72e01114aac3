import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { PbfReader, PbfWriter } from 'pbf';
import { ReveilleError } from '../../protocol/errors.ts';
import { type AppKey, appIdOfHex, readDerKey } from './app-key.ts';

/** A package whose signature was checked. */
export interface Crx {
  readonly appKey: AppKey;
  /** The zip archive inside: every byte of it is under the signature. */
  readonly archive: Uint8Array;
}

/** A header holds a few keys and signatures; a megabyte is far more than any packer writes. */
const HEADER_BYTES = 1024 * 1024;
const PROOFS = 32;
const PREFIX_BYTES = 12;
const SIGNED_DATA_MARK = Buffer.from('CRX3 SignedData\0', 'latin1');

/** Field numbers of CrxFileHeader and its parts (reference 4.2). */
const SHA256_WITH_RSA = 2;
const SIGNED_HEADER_DATA = 10_000;
const PUBLIC_KEY = 1;
const SIGNATURE = 2;
const CRX_ID = 1;

interface Proof {
  publicKey: Uint8Array;
  signature: Uint8Array;
}

interface Header {
  proofs: Proof[];
  signedData: Uint8Array;
}

/**
 * Reads a CRX3 package and checks it: the header's `crx_id`, a `sha256_with_rsa` proof whose key has that id, and that
 * proof's signature over the signed data and the archive (PKCS#1 v1.5, SHA-256).
 * @throws `input-invalid` with what is wrong; nothing in the package is trusted before the signature holds.
 */
export function openCrx(file: Uint8Array): Crx {
  const { header, archive } = split(Buffer.from(file.buffer, file.byteOffset, file.byteLength));
  const id = appIdOfHex(Buffer.from(crxIdOf(header.signedData)).toString('hex'));
  for (const proof of header.proofs) {
    const appKey = keyOf(proof);
    if (appKey?.id !== id) continue;
    if (!holds(proof, appKey, header.signedData, archive))
      throw broken('Its signature is wrong: the file was changed after it was signed.');
    return { appKey, archive };
  }
  throw broken('It carries no RSA proof by the key of its own id.');
}

/** Packs a zip archive as CRX3, signed with the private key (PEM); decision 0170. */
export function sealCrx(archive: Uint8Array, privatePem: string): Uint8Array {
  const key = createPrivateKey(privatePem);
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const data = new PbfWriter();
  data.writeBytesField(CRX_ID, createHash('sha256').update(publicKey).digest().subarray(0, 16));
  const signedData = Uint8Array.from(data.finish());
  const signature = sign('sha256', signedBytes(signedData, archive), key);
  const header = new PbfWriter();
  const writeProof = (proof: Proof, pbf: PbfWriter) => {
    pbf.writeBytesField(PUBLIC_KEY, proof.publicKey);
    pbf.writeBytesField(SIGNATURE, proof.signature);
  };
  header.writeMessage(SHA256_WITH_RSA, writeProof, { publicKey, signature });
  header.writeBytesField(SIGNED_HEADER_DATA, signedData);
  const bytes = header.finish();
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write('Cr24', 'latin1');
  prefix.writeUInt32LE(3, 4);
  prefix.writeUInt32LE(bytes.length, 8);
  return Buffer.concat([prefix, bytes, archive]);
}

/** True for a file that begins as a CRX of any format does. */
export const looksLikeCrx = (file: Uint8Array): boolean =>
  Buffer.from(file.subarray(0, 4)).toString('latin1') === 'Cr24';

function split(file: Buffer): { header: Header; archive: Uint8Array } {
  if (file.length < PREFIX_BYTES || file.toString('latin1', 0, 4) !== 'Cr24')
    throw broken('It does not begin as a CRX file does.');
  const format = file.readUInt32LE(4);
  if (format !== 3)
    throw broken(`It is of format ${format}; pack it again with a Chromium of today, which writes format 3.`);
  const length = file.readUInt32LE(8);
  if (length > HEADER_BYTES || PREFIX_BYTES + length >= file.length) throw broken('Its header is cut off.');
  return {
    header: readHeader(file.subarray(PREFIX_BYTES, PREFIX_BYTES + length)),
    archive: file.subarray(PREFIX_BYTES + length),
  };
}

function readHeader(bytes: Uint8Array): Header {
  const empty: Header = { proofs: [], signedData: new Uint8Array() };
  return parse(bytes, empty, (tag, header, pbf) => {
    if (tag === SHA256_WITH_RSA && header.proofs.length < PROOFS) header.proofs.push(readProof(pbf));
    if (tag === SIGNED_HEADER_DATA) header.signedData = pbf.readBytes();
  });
}

function readProof(pbf: PbfReader): Proof {
  const empty: Proof = { publicKey: new Uint8Array(), signature: new Uint8Array() };
  return pbf.readMessage((tag, proof, inner) => {
    if (tag === PUBLIC_KEY) proof.publicKey = inner.readBytes();
    if (tag === SIGNATURE) proof.signature = inner.readBytes();
  }, empty);
}

function crxIdOf(signedData: Uint8Array): Uint8Array {
  const found = parse(signedData, { id: new Uint8Array() as Uint8Array }, (tag, data, pbf) => {
    if (tag === CRX_ID) data.id = pbf.readBytes();
  });
  if (found.id.length !== 16) throw broken('It names no id.');
  return found.id;
}

function parse<T>(bytes: Uint8Array, into: T, field: (tag: number, into: T, pbf: PbfReader) => void): T {
  try {
    return new PbfReader(bytes).readFields(field, into);
  } catch (cause) {
    throw broken('Its header cannot be read.', cause);
  }
}

/** The key of a proof, or undefined when it is of a kind that no app id is made of. */
function keyOf(proof: Proof): AppKey | undefined {
  try {
    return readDerKey(proof.publicKey);
  } catch {
    return undefined;
  }
}

function holds(proof: Proof, appKey: AppKey, signedData: Uint8Array, archive: Uint8Array): boolean {
  return verify('sha256', signedBytes(signedData, archive), appKey.object, proof.signature);
}

function signedBytes(signedData: Uint8Array, archive: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(signedData.length);
  return Buffer.concat([SIGNED_DATA_MARK, length, signedData, archive]);
}

function broken(detail: string, cause?: unknown): ReveilleError {
  return new ReveilleError('input-invalid', `The package was not accepted. ${detail}`, {}, cause);
}
