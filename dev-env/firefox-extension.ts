import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../server/webstore/zip.ts';
import type { Town } from './town.ts';
import { hostApp } from './town-apps.ts';

const example = new URL('../examples/hello-firefox', import.meta.url).pathname;

interface Manifest {
  readonly host_permissions: readonly string[];
  readonly browser_specific_settings: { readonly gecko: { readonly id: string } };
}

/** The example for Firefox as a package, made for the app of a town, and telling a site what happens to it. */
export interface FirefoxExtension extends AsyncDisposable {
  readonly id: string;
  /** Where the package is. */
  readonly url: string;
}

/**
 * Registers the example's redirect for the town's app and packs it. A push site at `site`, a URL, learns of it: "started" and
 * "stopped" of its background page, its channel once it has one, and the payload of each message that it has shown.
 */
export async function packFirefoxExtension(town: Town, site: string): Promise<FirefoxExtension> {
  const folder = await mkdtemp(join(tmpdir(), 'reveille-firefox-extension-'));
  await cp(example, folder, { recursive: true });
  const manifest = (await Bun.file(join(folder, 'manifest.json')).json()) as Manifest;
  const { id } = manifest.browser_specific_settings.gecko;
  const origin = `https://${createHash('sha1').update(id).digest('hex')}.extensions.allizom.org`;
  await hostApp(town, origin, `${origin}/`);
  const made = {
    ...manifest,
    host_permissions: ['https://127.0.0.1/*', 'http://localhost/*'],
    push_messaging: { server: town.origin, app: town.seed.app.id },
    background: { scripts: ['background.js', 'teller.js'], type: 'module' },
  };
  await Bun.write(join(folder, 'manifest.json'), JSON.stringify(made));
  await Bun.write(
    join(folder, 'teller.js'),
    `const tell = (body) => fetch('${site}got', { method: 'POST', body, keepalive: true });
void tell('started');
// Its own onSuspend comes while it still runs: a message may reach it after that.
fetch('${site}here').catch(() => {});
chrome.pushMessaging.onMessage.addListener(({ payload }) => tell(payload));
chrome.runtime.onInstalled.addListener(() => {
  chrome.pushMessaging.getChannelId(true, ({ channelId }) => tell(channelId || chrome.runtime.lastError.message));
});
`,
  );
  const files = new Map<string, Uint8Array>();
  for (const name of await readdir(folder)) files.set(name, await Bun.file(join(folder, name)).bytes());
  const file = join(folder, 'extension.xpi');
  await Bun.write(file, await pack(files));
  return {
    id,
    url: `file://${file}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
