import type { JSX } from 'hono/jsx/jsx-runtime';
import type { ReveilleError } from '../../protocol/errors.ts';
import { Card } from './content.tsx';
import { Button } from './form.tsx';
import { Page, type Viewer } from './page.tsx';
import { securityHeaders } from './security-headers.ts';

interface RenderOptions {
  /** Values of Set-Cookie, one header each. */
  readonly setCookies?: readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Makes the answer of a page: HTML with the security headers, never cached. */
export async function render(
  page: JSX.Element,
  status = 200,
  { setCookies = [], headers = {} }: RenderOptions = {},
): Promise<Response> {
  const html = await (await page).toString();
  const response = new Response(`<!doctype html>${html}`, {
    status,
    headers: {
      ...securityHeaders,
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      ...headers,
    },
  });
  for (const cookie of setCookies) response.headers.append('Set-Cookie', cookie);
  return response;
}

/** 303 to a page of our own origin, after a form. For any other target use `onward`. */
export function seeOther(path: string, setCookies: readonly string[] = []): Response {
  const response = new Response(null, {
    status: 303,
    headers: { ...securityHeaders, Location: path, 'Cache-Control': 'no-store' },
  });
  for (const cookie of setCookies) response.headers.append('Set-Cookie', cookie);
  return response;
}

/**
 * Answers a form whose way leads, now or after more redirects, to another origin: a page that goes there by itself.
 * Chromium applies `form-action` to every redirect that follows a form, and would stop the browser on its way to
 * `https://<app id>.chromiumapp.org/` or to the address of a client. What a page begins by itself is no form.
 * @param target a local path, or an absolute address that was registered for the client
 * @throws TypeError for an address that would run as script
 */
export async function onward(
  target: string,
  options: RenderOptions & { readonly title?: string } = {},
): Promise<Response> {
  if (
    !target.startsWith('/') &&
    !/^(?!(?:javascript|data|vbscript|blob|file):)[a-z][a-z0-9+.-]*:/i.test(target)
  ) {
    throw new TypeError('Not an address to go on to.');
  }
  const title = options.title ?? 'One moment';
  return await render(
    <Page title={title} narrow head={<meta http-equiv="refresh" content={`0;url=${target}`} />}>
      <Card>
        <h1>{title}</h1>
        <p class="soft">You are being taken on. If nothing happens, go on yourself.</p>
        <Button href={target} full>
          Continue
        </Button>
      </Card>
    </Page>,
    200,
    options,
  );
}

/** An error as a page: what is wrong and what to do, with the status of the error. */
export async function renderError(error: ReveilleError, account?: Viewer, backTo = '/'): Promise<Response> {
  const retry = error.facts.retryAfterSeconds;
  return await render(
    <Page title="That did not work" account={account} narrow>
      <Card>
        <h1>That did not work</h1>
        <p>{error.sentence}</p>
        <Button href={backTo} kind="quiet" full>
          Go back
        </Button>
      </Card>
    </Page>,
    error.status,
    { headers: retry === undefined ? {} : { 'Retry-After': String(retry) } },
  );
}
