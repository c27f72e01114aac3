import { namesHost, type Reach } from '../../outgoing/reachable.ts';

/** Which push services this server calls. */
export interface PushHosts extends Reach {
  /** `host`, `host:port`, `*.host`; the port is 443 where none is named. */
  readonly hosts: readonly string[];
}

/** True for a URL of a push service that this server calls. A bare address is never one. */
export function isAllowed(url: URL, { hosts }: PushHosts): boolean {
  if (!namesHost(url)) return false;
  const host = url.hostname;
  return hosts.some((entry) => {
    const [name = '', port = '443'] = entry.split(':');
    if (port !== (url.port || '443')) return false;
    return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
  });
}
