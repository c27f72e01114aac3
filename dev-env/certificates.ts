import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { certificateFiles } from '../server/config/certificate-files.ts';
import { keepCertificates } from '../server/config/certificates.ts';

export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  /** Value of Chromium's `--ignore-certificate-errors-spki-list`. */
  readonly spkiHash: string;
}

/** Makes a certificate for this machine in a data folder, as `reveille cert` does: a server on that folder takes it by itself. */
export async function makeTestCertificate(dataFolder: string): Promise<TestCertificate> {
  await keepCertificates(dataFolder, ['127.0.0.1', 'localhost'], new Date());
  const { serverCert, serverKey, authorityCert } = certificateFiles(dataFolder);
  const { publicKey } = new X509Certificate(await readFile(serverCert));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    certFile: serverCert,
    keyFile: serverKey,
    caFile: authorityCert,
    spkiHash: createHash('sha256').update(spki).digest('base64'),
  };
}
