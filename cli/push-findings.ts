import type { Config } from '../server/config/config.ts';
import { guardedLookup } from '../server/outgoing/reachable.ts';
import { CliError } from './call.ts';
import type { Finding } from './findings.ts';
import { presentedAt } from './trust.ts';

/**
 * Can the push services that `--push-hosts` names be called? Each is looked up and greeted, and nothing is pushed. Of
 * `*.host` no name is known to ask for.
 */
export async function checkPushHosts({ push }: Pick<Config, 'push'>): Promise<Finding[]> {
  if (push.hosts.length === 0) {
    const fact = 'none is called: only browsers that use this server are woken';
    return [
      { state: 'note', subject: 'push services', fact, mend: 'Give --push-hosts vendors to wake others.' },
    ];
  }
  return await Promise.all(push.hosts.map((entry) => checkPushHost(entry, push)));
}

async function checkPushHost(entry: string, push: Config['push']): Promise<Finding> {
  const subject = `push service ${entry}`;
  if (entry.startsWith('*.'))
    return { state: 'good', subject, fact: 'allowed, and not looked at: it has many names' };
  const url = new URL(`https://${entry}`);
  const refused = await addressFault(url.hostname, push);
  if (refused !== undefined) return { state: 'wrong', subject, ...refused };
  try {
    const { doubt } = await presentedAt(url.href, undefined);
    if (doubt === undefined)
      return { state: 'good', subject, fact: 'answers, with a certificate that is believed' };
    return { state: 'wrong', subject, ...certificateFault(doubt, url.hostname) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const mend = 'Let this machine call it through the firewall, or correct --push-hosts.';
    return { state: 'wrong', subject, fact: error.message, mend };
  }
}

type Fault = Required<Pick<Finding, 'fact' | 'mend'>>;

/** What the guard of `serve` says to the addresses of a name. */
function addressFault(host: string, push: Config['push']): Promise<Fault | undefined> {
  return new Promise((resolve) => {
    guardedLookup(push)(host, {}, (error) => {
      if (error === null) return resolve(undefined);
      const { code } = error as NodeJS.ErrnoException;
      const mend =
        code === 'EPRIVATE'
          ? 'Give --push-addresses any when it is a push service within your own network.'
          : "Mend this machine's look-up of names, or correct --push-hosts.";
      resolve({ fact: code === 'EPRIVATE' ? error.message : `its name is not found (${code})`, mend });
    });
  });
}

function certificateFault(doubt: string, host: string): Fault {
  if (doubt === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      fact: `its certificate is not for ${host}`,
      mend: 'Name it in --push-hosts as its certificate does.',
    };
  return {
    fact: `no known authority vouches for it (${doubt})`,
    mend: 'When the authority is your own, give serve and doctor its file: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.',
  };
}
