import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where `reveille cert` keeps what it makes, all of it readable by its owner only. */
export interface CertificateFiles {
  readonly folder: string;
  /** The local authority: browsers trust this one. */
  readonly authorityCert: string;
  readonly authorityKey: string;
  /** The server's certificate with the authority's behind it, as `--tls-cert` takes it. */
  readonly serverCert: string;
  readonly serverKey: string;
}

export function certificateFiles(dataFolder: string): CertificateFiles {
  const folder = join(dataFolder, 'tls');
  return {
    folder,
    authorityCert: join(folder, 'ca.crt'),
    authorityKey: join(folder, 'ca.key'),
    serverCert: join(folder, 'server.crt'),
    serverKey: join(folder, 'server.key'),
  };
}

/** The certificate that `reveille cert` left in the data folder; undefined when it never ran. */
export function ownCertificate(
  dataFolder: string,
): { readonly certFile: string; readonly keyFile: string } | undefined {
  const { serverCert, serverKey } = certificateFiles(dataFolder);
  if (!existsSync(serverCert) || !existsSync(serverKey)) return undefined;
  return { certFile: serverCert, keyFile: serverKey };
}
