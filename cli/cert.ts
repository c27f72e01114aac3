import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { type CertificateFiles, certificateFiles } from '../server/config/certificate-files.ts';
import { settings } from '../server/config/env.ts';
import { ownDataFolder } from '../server/config/own-data-folder.ts';

interface CertFlags {
  readonly data?: string;
  readonly host?: readonly string[];
}

/** `reveille cert`: a local authority and the server's certificate, in the data folder. */
export function certVerb(): Command {
  return new Command('cert')
    .description('Make a local certificate authority and a certificate of this server, in its data folder.')
    .option('--data <folder>', `${settings.data.about} [${settings.data.variable}]`)
    .option('--host <names...>', 'DNS names and addresses of the server, beside localhost and this machine')
    .action(async ({ data, host = [] }: CertFlags) => {
      const folder = resolve(data ?? (process.env[settings.data.variable] || ownDataFolder));
      const hosts = [...new Set([...host, ...ownNames()])];
      // Loaded here: no other verb needs the weight of the library.
      const { keepCertificates } = await import('../server/config/certificates.ts');
      const { authority } = await keepCertificates(folder, hosts, new Date());
      console.log(describe(certificateFiles(folder), hosts, authority));
    });
}

/** This machine is always one of the names: tests and a first try need nothing else. */
function ownNames(): string[] {
  const own = hostname();
  return ['localhost', '127.0.0.1', '::1', ...(/^[a-z0-9][a-z0-9.-]*$/i.test(own) ? [own] : [])];
}

function describe(files: CertificateFiles, hosts: readonly string[], authority: 'made' | 'kept'): string {
  const again = authority === 'made' ? '' : ' (the one from before: who trusts it need do nothing)';
  return `Authority    ${files.authorityCert}${again}
Certificate  ${files.serverCert}
Good for     ${hosts.join(' ')}, 825 days

Start serve again: its port for Chromium's push client (--mcs-port) takes this certificate by itself.
For https on the main port as well, which most Web Push libraries insist on:
  ./bin/reveille serve --tls-cert ${files.serverCert} --tls-key ${files.serverKey}

Who is to trust the authority:
  Chromium   certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Reveille -i ${files.authorityCert}
             (Debian: libnss3-tools), or for a whole machine: ./bin/reveille policy chromium
  Firefox    Settings, Certificates, Authorities, Import; or for a whole machine: ./bin/reveille policy firefox
  Node, Bun  NODE_EXTRA_CA_CERTS=${files.authorityCert}
./bin/reveille browser starts a browser that needs none of this. Keep ${files.authorityKey} to yourself:
whoever has it can pass for any site in those browsers.`;
}
