import { PageVisitor } from './page-visitor.ts';
import type { Town } from './town.ts';

/** Registers an app with its private key (PEM) by the console's own form, as the town's account. It is proven at once. */
export async function registerApp(town: Town, privateKey: string): Promise<void> {
  const site = {
    fetch: (path: string, init?: RequestInit) => fetch(town.origin + path, { ...init, redirect: 'manual' }),
  };
  const visitor = new PageVisitor(site, town.seed.cookie);
  const page = await visitor.send('/console/apps/new', '/console/apps', {
    source: 'key-file',
    title: 'Restarted',
    file: new File([privateKey], 'key.pem'),
  });
  if (!/\/console\/apps\/[a-p]{32}/.test(page.path)) throw new Error(`not registered: ${page.text}`);
}
