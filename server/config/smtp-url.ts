/** An SMTP server as its URL names it. */
export interface SmtpUrl {
  readonly host: string;
  readonly port: number;
  /** `smtps`: encrypted from the first byte. */
  readonly tls: boolean;
  readonly login: { readonly user: string; readonly password: string } | undefined;
}

/** RFC 8314, sections 3.3 and 7.3: submission over TLS, and submission that begins in the clear. */
const ports = { 'smtps:': 465, 'smtp:': 587 } as const;

/** Reads `smtps://user:password@host:port`; undefined = it is none, or says more than that. */
export function parseSmtpUrl(text: string): SmtpUrl | undefined {
  const url = URL.parse(text.trim());
  if (url === null || (url.protocol !== 'smtps:' && url.protocol !== 'smtp:')) return undefined;
  if (url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    return undefined;
  if ((url.username === '') !== (url.password === '')) return undefined;
  try {
    const login = { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
    return {
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? ports[url.protocol] : Number(url.port),
      tls: url.protocol === 'smtps:',
      login: url.username === '' ? undefined : login,
    };
  } catch {
    return undefined;
  }
}
