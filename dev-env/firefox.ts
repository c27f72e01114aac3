import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, connect, type Page } from 'puppeteer-core';
import { browserSettings, firefoxPreferences } from '../protocol/browser-settings.ts';
import { firefoxPath } from './installed-browsers.ts';

type Preference = string | number | boolean;

/** How long Firefox may take until it can be driven, on a machine that does other work beside. */
const START_MS = 60_000;
const QUIT_MS = 60_000;

/** What a test browser needs whatever is tested: quiet, offline, and without what a remote agent would switch off. */
const quiet: Readonly<Record<string, Preference>> = {
  // Being driven, Firefox takes on "recommended" preferences, and one of them switches push off.
  'remote.prefs.recommended': false,
  'permissions.default.desktop-notification': 1,
  'alerts.useSystemBackend': false,
  'app.update.enabled': false,
  'app.normandy.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  // A proxy that is not there keeps everything but loopback off the network.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
};

/** Preferences that make a server the push service of a Firefox under test. */
export function pushPreferences(origin: string): Readonly<Record<string, Preference>> {
  return {
    ...firefoxPreferences(browserSettings(origin, undefined)),
    // So that a test of a reconnect does not wait for long.
    'dom.push.retryBaseInterval': 500,
  };
}

export interface FirefoxOptions {
  /** A profile to go on with; without one a fresh one is made, and removed at the end. */
  readonly profile?: string;
  readonly preferences?: Readonly<Record<string, Preference>>;
  /** An origin whose certificate is believed, whoever made it, and the file that holds it. */
  readonly trusts?: { readonly origin: string; readonly certFile: string };
}

/** A stock Firefox without a window, on a profile of its own that a restart keeps. */
export class TestFirefox implements AsyncDisposable {
  readonly profile: string;
  readonly #process: Bun.Subprocess<'ignore', 'ignore', 'pipe'>;
  readonly #browser: Browser;
  readonly #ownsProfile: boolean;

  private constructor(
    profile: string,
    process: Bun.Subprocess<'ignore', 'ignore', 'pipe'>,
    browser: Browser,
    ownsProfile: boolean,
  ) {
    this.profile = profile;
    this.#process = process;
    this.#browser = browser;
    this.#ownsProfile = ownsProfile;
  }

  static async start(options: FirefoxOptions = {}): Promise<TestFirefox> {
    const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'reveille-firefox-')));
    const lines = Object.entries({ ...quiet, ...options.preferences }).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    );
    await writeFile(join(profile, 'user.js'), lines.join(''));
    if (options.trusts !== undefined) await trust(profile, options.trusts);
    const child = Bun.spawn(
      [firefoxPath(), '--headless', '--no-remote', '--remote-debugging-port=0', '--profile', profile],
      {
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'pipe',
        env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
      },
    );
    try {
      const browserWSEndpoint = `${await remoteAgent(child)}/session`;
      const browser = await connect({ browserWSEndpoint, protocol: 'webDriverBiDi' });
      return new TestFirefox(profile, child, browser, options.profile === undefined);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  async open(url: string): Promise<Page> {
    const page = await this.#browser.newPage();
    await page.goto(url);
    return page;
  }

  /** Waits for a window or tab whose address has this in it. */
  async window(part: string): Promise<Page> {
    for (const until = Date.now() + START_MS; Date.now() < until; await Bun.sleep(100)) {
      const found = (await this.#browser.pages()).find((page) => page.url().includes(part));
      if (found !== undefined) return found;
    }
    throw new Error(`no window shows ${part}`);
  }

  /** Quits politely, so that the profile has everything that Firefox remembers. */
  async quit(): Promise<void> {
    await this.#browser.close().catch(() => {});
    // One that is killed before it has written its profile has lost the workers of its sites: no push comes after the next start.
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), QUIT_MS);
    await this.#process.exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
    if (this.#ownsProfile) await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Firefox reads at its start what its user once believed: host, kind and value of the certificate's fingerprint. */
async function trust(
  profile: string,
  { origin, certFile }: NonNullable<FirefoxOptions['trusts']>,
): Promise<void> {
  const { fingerprint256 } = new X509Certificate(await readFile(certFile));
  const sha256 = 'OID.2.16.840.1.101.3.4.2.1';
  const line = `${new URL(origin).host}:\t${sha256}\t${fingerprint256}\t\n`;
  await writeFile(join(profile, 'cert_override.txt'), line);
}

/** Reads where the remote agent listens, and goes on reading, so that Firefox never waits for the pipe. */
async function remoteAgent(child: Bun.Subprocess<'ignore', 'ignore', 'pipe'>): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Error('Firefox did not start in time')), START_MS);
  void (async () => {
    let printed = '';
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      printed = (printed + decoder.decode(chunk, { stream: true })).slice(-10_000);
      const address = /WebDriver BiDi listening on (ws:\S+)/.exec(printed)?.[1];
      if (address !== undefined) resolve(address);
    }
    reject(new Error(`Firefox ended: ${printed}`));
  })();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
