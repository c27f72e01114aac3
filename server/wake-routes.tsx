import { Hono } from 'hono';
import { type BundleForm, bundleClient } from '../client/bundle.ts';
import { toldPath, upPath } from '../client/wake/paths.ts';
import { Card } from './pages/content.tsx';
import { Button } from './pages/form.tsx';
import { Page } from './pages/page.tsx';
import { render } from './pages/render.tsx';
import { securityHeaders } from './pages/security-headers.ts';

const scripts = { 'page.js': 'wake-page', 'worker.js': 'wake-worker' } as const satisfies Record<
  string,
  BundleForm
>;

const WakePage = () => (
  <Page title="Wake your extensions" narrow head={<script type="module" src="/wake/page.js" />}>
    <Card>
      <header>
        <h1>Wake your extensions</h1>
        <p>Firefox lets no message reach an extension that is asleep. This site can wake it instead.</p>
      </header>
      <p data-state="ask" hidden>
        Press the button and allow notifications. You see one for a few seconds when a message comes; what it
        says goes to the extension alone.
      </p>
      <p data-state="ask" hidden>
        <Button>Allow notifications</Button>
      </p>
      <p data-state="working" role="status" hidden>
        One moment: Firefox registers with its push service.
      </p>
      <p data-state="done" role="status" hidden>
        Done. Your extensions are woken for their messages. You may close this page.
      </p>
      <p data-state="denied" role="alert" hidden>
        Firefox is told not to show notifications of this site. Click the symbol at the left of the address,
        clear the block of notifications there, and load this page again.
      </p>
      <p data-state="failed" role="alert" hidden>
        Firefox could not register with its push service. Check that you are online and not in a private
        window, then load this page again.
      </p>
      <noscript>
        <p role="alert">This page needs JavaScript: it registers a worker with Firefox.</p>
      </noscript>
    </Card>
  </Page>
);

/**
 * `/wake/`: the page and the worker through which the extensions of a Firefox are woken. The addresses that the extensions
 * watch for answer 204 and keep nothing: that they were asked for is all.
 */
export function wakeRoutes(): Hono {
  const routes = new Hono();
  routes.get('/wake', (c) => c.redirect('/wake/'));
  routes.get('/wake/', () => render(<WakePage />));
  for (const [name, form] of Object.entries(scripts)) {
    let text: Promise<string> | undefined;
    routes.get(`/wake/${name}`, async (c) => {
      text ??= bundleClient(form);
      return c.body(await text, 200, {
        ...securityHeaders,
        'Content-Type': 'text/javascript; charset=utf-8',
        'Cache-Control': 'no-cache',
      });
    });
  }
  for (const path of [upPath, toldPath])
    routes.post(path, () => new Response(null, { status: 204, headers: { 'Cache-Control': 'no-store' } }));
  return routes;
}
