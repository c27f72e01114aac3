import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, rootCertificates } from 'node:tls';
import { certificateFiles } from '../server/config/certificate-files.ts';
import { isLoopback } from '../server/config/config.ts';
import { ownDataFolder } from '../server/config/own-data-folder.ts';
import { CliError } from './call.ts';

/** What a TLS door shows, and whether this machine would believe it. */
export interface Presented {
  readonly certificate: X509Certificate;
  /** Why it is not believed, such as `CERT_HAS_EXPIRED`; undefined when it is. */
  readonly doubt: string | undefined;
}

const probeMs = 10_000;

/**
 * The authority (PEM) in `file`, or the one that `cert` made on this machine.
 * @throws CliError when `file` cannot be read.
 */
export function authorityOf(file: string | undefined): string | undefined {
  return file === undefined
    ? madeAuthority(process.env.REVEILLE_DATA || ownDataFolder)
    : readCertificate(file);
}

/** The authority (PEM) that `cert` made in a data folder; undefined when it never did. */
export function madeAuthority(dataFolder: string): string | undefined {
  try {
    return readFileSync(certificateFiles(dataFolder).authorityCert, 'utf8');
  } catch {
    return undefined;
  }
}

/** What this machine believes: the public authorities, and ours. */
export function believed(authority: string | undefined): string[] | undefined {
  return authority === undefined ? undefined : [...rootCertificates, authority];
}

/**
 * Greets a TLS door and looks at its certificate.
 * @throws CliError when there is no such door: nothing listens, or not with TLS.
 */
export function presentedAt(endpoint: string, authority: string | undefined): Promise<Presented> {
  const { hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const ca = believed(authority);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port: Number(port || 443),
      // Judged here, not by the socket: what is shown has to be seen first.
      rejectUnauthorized: false,
      timeout: probeMs,
      ...(ca === undefined ? {} : { ca }),
    });
    const fail = (why: string) => {
      socket.destroy();
      reject(new CliError(`${endpoint} does not answer with TLS (${why}).`));
    };
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return fail('no certificate');
      const doubt = socket.authorized ? undefined : String(socket.authorizationError);
      socket.destroy();
      resolve({ certificate, doubt });
    });
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('timeout', () => fail('time is over'));
  });
}

/**
 * The certificate at `endpoint` when a browser has to be told to trust it; undefined when every browser does.
 * On loopback whatever stands there is trusted: only this machine can have put it there.
 * @throws CliError when nobody whom this machine believes vouches for it.
 */
export async function certificateToPin(
  endpoint: string,
  authority: string | undefined,
): Promise<X509Certificate | undefined> {
  const { certificate, doubt } = await presentedAt(endpoint, undefined);
  if (doubt === undefined) return undefined;
  if (isLoopback(new URL(endpoint).hostname.replace(/^\[(.*)\]$/, '$1'))) return certificate;
  const vouched = authority === undefined ? doubt : (await presentedAt(endpoint, authority)).doubt;
  if (vouched === undefined) return certificate;
  throw new CliError(
    `The certificate at ${endpoint} is not to be trusted (${vouched}). Give the authority that made it: ` +
      '--ca FILE, on the server tls/ca.crt of its data folder.',
  );
}

/** What Chromium's `--ignore-certificate-errors-spki-list` takes: the hash of the public key in base64 (RFC 7469 section 2.4). */
export function spkiOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(key).digest('base64');
}

function readCertificate(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    new X509Certificate(text);
    return text;
  } catch (error) {
    throw new CliError(`--ca ${file} cannot be read as a certificate in PEM (${(error as Error).message}).`);
  }
}
