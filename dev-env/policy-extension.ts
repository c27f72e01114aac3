import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appIdOf, type ExtensionOptions, makeExtension } from './extension.ts';
import { chromiumPath } from './installed-browsers.ts';
import { installFiles } from './machine-files.ts';

/**
 * An extension as its users have it: a CRX that a managed policy installs. Only such a one sees `onStartup`, alarms that
 * outlive a restart, and updates; `--load-extension` installs anew at each start.
 */
const policyFile = '/etc/chromium/policies/managed/reveille-test.json';

export interface PolicyExtension extends AsyncDisposable {
  readonly appId: string;
}

/** The public key of a key file, as a manifest holds it. */
async function publicKeyOf(pem: string): Promise<string> {
  const { createPublicKey } = await import('node:crypto');
  return createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
}

/**
 * Packs the extension with `privateKey` (PEM), serves it on a free port, and has every Chromium of the machine install it
 * until it is disposed of.
 */
export async function installByPolicy(
  privateKey: string,
  options: Omit<ExtensionOptions, 'key'>,
): Promise<PolicyExtension> {
  const key = await publicKeyOf(privateKey);
  const appId = appIdOf(key);
  const crx = await pack(privateKey, { ...options, key: null });
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url }) =>
      new URL(url).pathname === '/updates.xml'
        ? new Response(updatesXml(appId, `${new URL(url).origin}/app.crx`), {
            headers: { 'Content-Type': 'text/xml' },
          })
        : new Response(crx, { headers: { 'Content-Type': 'application/x-chrome-extension' } }),
  });
  const settings = {
    installation_mode: 'normal_installed',
    update_url: `http://127.0.0.1:${server.port}/updates.xml`,
    override_update_url: true,
  };
  const policy = JSON.stringify({ ExtensionSettings: { [appId]: settings } });
  const installed = await installFiles({ [policyFile]: policy });
  return {
    appId,
    async [Symbol.asyncDispose]() {
      await installed[Symbol.asyncDispose]();
      await server.stop(true);
    },
  };
}

/** Chromium packs the folder itself. */
async function pack(privateKey: string, options: ExtensionOptions): Promise<ArrayBuffer> {
  const folder = await makeExtension(options);
  const work = await mkdtemp(join(tmpdir(), 'reveille-crx-'));
  try {
    const packed = join(work, 'app');
    await rename(folder, packed);
    await writeFile(join(work, 'key.pem'), privateKey);
    const flags = ['--no-sandbox', '--headless=new', `--user-data-dir=${join(work, 'profile')}`];
    const chromium = Bun.spawn(
      [
        chromiumPath(),
        ...flags,
        `--pack-extension=${packed}`,
        `--pack-extension-key=${join(work, 'key.pem')}`,
      ],
      { stdout: 'ignore', stderr: 'pipe' },
    );
    await chromium.exited;
    if (!existsSync(`${packed}.crx`))
      throw new Error(`not packed: ${await new Response(chromium.stderr).text()}`);
    const bytes = await readFile(`${packed}.crx`);
    return new Uint8Array(bytes).buffer;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const updatesXml = (appId: string, codebase: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>
<gupdate xmlns="http://www.google.com/update2/response" protocol="2.0">
  <app appid="${appId}"><updatecheck codebase="${codebase}" version="1.0" /></app>
</gupdate>`;
