import { type KeyObject, verify } from 'node:crypto';
import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import { readKeyFile } from './app-key.ts';
import { openCrx } from './crx.ts';

/**
 * Who holds the private key of an app owns the app. Three ways to show it, one challenge for two of them:
 *
 * - sign the challenge: the key stays where it is;
 * - upload the key file: the server reads it, compares, and keeps nothing of it;
 * - upload a package that was signed with the key *and holds a file named like the challenge*. A published package is
 *   in everybody's hands, so a signature alone would show only that someone downloaded it (decision 0040).
 *
 * The challenge is derived, not stored: a MAC over app, group and end. It is worth nothing to another group.
 */
export type Proof =
  | ({ readonly kind: 'signature' } & Signature)
  | { readonly kind: 'key-file'; readonly pem: string }
  | { readonly kind: 'package'; readonly file: Uint8Array };

/** A challenge as it was shown, and its RSA signature (PKCS#1 v1.5, SHA-256) in base64. */
interface Signature {
  readonly challenge: string;
  readonly signature: string;
}

const CHALLENGE_HOURS = 24;
const PURPOSE = 'app-challenge';
const CHALLENGE = /reveille-proof-([0-9]{13})-([0-9a-f]{64})/g;

export class Proofs {
  readonly #secrets: Pick<Secrets, 'mac' | 'verifyMac'>;
  readonly #clock: Clock;

  constructor(secrets: Pick<Secrets, 'mac' | 'verifyMac'>, clock: Clock) {
    this.#secrets = secrets;
    this.#clock = clock;
  }

  /** A challenge for the claim of `group` on `app`: text that is a file name too. It holds for a day. */
  challenge(app: AppId, group: string): string {
    const until = String(this.#clock.now() + CHALLENGE_HOURS * 3_600_000);
    return `reveille-proof-${until}-${this.#secrets.mac(PURPOSE, claimText(app, group, until)).toString('hex')}`;
  }

  /**
   * Checks a proof that `group` holds the private key of `app`, whose public key is `key`.
   * @throws `input-invalid` that says why the proof does not hold.
   */
  check(app: AppId, key: KeyObject, group: string, proof: Proof): void {
    switch (proof.kind) {
      case 'signature':
        this.#checkSignature(app, key, group, proof);
        break;
      case 'key-file':
        assertSameApp(app, readKeyFile(proof.pem).id, 'The key file');
        break;
      case 'package':
        this.#checkPackage(app, group, proof.file);
    }
  }

  #checkSignature(app: AppId, key: KeyObject, group: string, proof: Signature): void {
    const { challenge, signature } = proof;
    if (!this.#isOurs(challenge, app, group))
      throw new ReveilleError(
        'input-invalid',
        'The challenge is not for this app and group, or its day is over. Sign the one shown below.',
      );
    const bytes = Buffer.from(signature.replace(/\s+/g, ''), 'base64');
    if (!verify('sha256', Buffer.from(challenge), key, bytes))
      throw new ReveilleError(
        'input-invalid',
        'The signature is not by the private key of this app. Run the command again and paste all of what it prints.',
      );
  }

  #checkPackage(app: AppId, group: string, file: Uint8Array): void {
    const crx = openCrx(file);
    assertSameApp(app, crx.appKey.id, 'The package');
    const text = Buffer.from(crx.archive.buffer, crx.archive.byteOffset, crx.archive.byteLength).toString(
      'latin1',
    );
    for (const [challenge] of text.matchAll(CHALLENGE)) if (this.#isOurs(challenge, app, group)) return;
    throw new ReveilleError(
      'input-invalid',
      'The signature holds, but anyone can download a published package. Put an empty file named like the challenge into the folder of the extension, pack it again and upload that.',
    );
  }

  #isOurs(challenge: string, app: AppId, group: string): boolean {
    const [match] = challenge.matchAll(CHALLENGE);
    if (match === undefined || match[0] !== challenge) return false;
    const [, until = '', mac = ''] = match;
    if (Number(until) < this.#clock.now()) return false;
    return this.#secrets.verifyMac(PURPOSE, claimText(app, group, until), Buffer.from(mac, 'hex'));
  }
}

function claimText(app: AppId, group: string, until: string): string {
  return JSON.stringify([app, group, until]);
}

function assertSameApp(expected: AppId, found: AppId, what: string): void {
  if (found !== expected)
    throw new ReveilleError('input-invalid', `${what} belongs to another app: ${found}.`);
}
