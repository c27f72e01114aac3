import { Hono } from 'hono';
import { type BundleForm, bundleClient } from '../client/bundle.ts';

/** The client's files, by the names under which developers download them. */
const clientFiles = {
  'push-messaging.js': 'module',
  'push-messaging.classic.js': 'classic',
  'notifications.js': 'notifications',
  'push-messaging.web.js': 'web',
  'push-messaging.seen.js': 'seen',
} as const satisfies Record<string, BundleForm>;

/** The client as a developer downloads it, bundled when first asked for. */
export function clientRoutes(): Hono {
  const routes = new Hono();
  for (const [name, form] of Object.entries(clientFiles)) {
    let text: Promise<string> | undefined;
    routes.get(`/client/${name}`, async (c) => {
      text ??= bundleClient(form);
      return c.body(await text, 200, {
        'Content-Type': 'text/javascript; charset=utf-8',
        'X-Content-Type-Options': 'nosniff',
      });
    });
  }
  return routes;
}
