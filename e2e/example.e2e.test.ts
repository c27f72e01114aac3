import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppProfile } from '../dev-env/app-profile.ts';
import { waitUntil } from '../dev-env/browser.ts';
import { helloPush } from '../dev-env/extension.ts';
import { Town } from '../dev-env/town.ts';

/** Each is a program that a reader of the example may have. */
const runtimes: Readonly<Record<string, string>> = { node: 'node', bun: process.execPath };

/** The example's own app server, as its README starts it. */
async function startAppServer(
  town: Town,
  runtime: string,
): Promise<{ origin: string; stop(): Promise<void> }> {
  const { client, refresh_token } = town.seed;
  const server = Bun.spawn([runtime, 'server.mjs'], {
    cwd: helloPush,
    stdout: 'pipe',
    stderr: 'inherit',
    env: {
      PATH: process.env.PATH,
      REVEILLE: town.origin,
      CLIENT_ID: client.client_id,
      CLIENT_SECRET: client.client_secret,
      REFRESH_TOKEN: refresh_token,
      PORT: '0',
    },
  });
  const reader = server.stdout.getReader();
  let printed = '';
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    printed += new TextDecoder().decode(next.value);
    const origin = /listens on (\S+)/.exec(printed)?.[1];
    if (origin === undefined) continue;
    return {
      origin,
      async stop() {
        server.kill();
        await server.exited;
      },
    };
  }
  throw new Error(`the app server did not start: ${printed}`);
}

/** The status and the text that the app server answers. */
async function ask(app: { origin: string }, path: string, body: object): Promise<[number, string]> {
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(app.origin + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return [answer.status, await answer.text()];
}

describe('Hello Push', () => {
  let town: Town;
  beforeAll(async () => {
    town = await Town.start();
  });
  afterAll(async () => {
    await town?.[Symbol.asyncDispose]();
  });

  test('EX2 the example explains on a page of its own before any sign-in window opens', async () => {
    await using profile = await AppProfile.start(town);
    await waitUntil('the welcome page', async () =>
      profile.browser.pages().some((url) => url.endsWith('/welcome.html')),
    );
    expect(profile.browser.pages().filter((url) => url.startsWith(town.origin))).toEqual([]);
  });

  test.each(Object.keys(runtimes))(
    'EX1 from sign-in to notification: the channel reaches the app server on %s, which greets and sends',
    async (name) => {
      const app = await startAppServer(town, runtimes[name] ?? name);
      try {
        await using profile = await AppProfile.start(town, {
          manifest: { hello_push: { app_server: app.origin } },
        });
        await profile.signIn();
        await profile.browser.shows(profile.appId, 'Thanks for installing my app! [0]');
        const message = { subchannelId: 1, payload: `Hello from ${name}!` };
        expect(await ask(app, '/send', message)).toEqual([204, '']);
        await profile.browser.shows(profile.appId, `Hello from ${name}! [1]`);
      } finally {
        await app.stop();
      }
    },
  );

  test('EX1 at the next start the channel is told again, without a page', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'reveille-hello-'));
    try {
      await using first = await AppProfile.start(town, {}, { profile });
      await first.signIn();
      const { 0: before = 0 } = await first.marks();
      await first.browser.quit();
      const app = await startAppServer(town, process.execPath);
      await using second = await AppProfile.start(
        town,
        { manifest: { hello_push: { app_server: app.origin } } },
        { profile },
      );
      // In the first moments of a start Chromium clears away notifications that it does not find on the screen, also one
      // that comes meanwhile: the greeting counts as handled, and what is sent after it is shown.
      await waitUntil('the greeting', async () => ((await second.marks())[0] ?? 0) > before);
      expect(await ask(app, '/send', { payload: 'Hello again!' })).toEqual([204, '']);
      await second.browser.shows(second.appId, 'Hello again! [0]');
      expect(second.browser.pages().some((url) => url.endsWith('/welcome.html'))).toBe(false);
      await app.stop();
    } finally {
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });

  test("EX1 what the service refuses reaches the app server's caller in its own words", async () => {
    const app = await startAppServer(town, process.execPath);
    try {
      const [status, text] = await ask(app, '/channels', { channelId: 'nobody' });
      expect(status).toBe(502);
      expect(text).toContain('Channel ID is invalid.');
    } finally {
      await app.stop();
    }
  });

  test('EX1 the manifest asks for what the guide and the shim need, and nothing more', async () => {
    const manifest = (await Bun.file(`${helloPush}/manifest.json`).json()) as {
      permissions: string[];
      host_permissions?: unknown;
      key: string;
    };
    expect(manifest.permissions).toEqual([
      'pushMessaging',
      'notifications',
      'identity',
      'storage',
      'alarms',
      'background',
    ]);
    expect(manifest.host_permissions).toBeUndefined();
    expect(Buffer.from(manifest.key, 'base64').length).toBe(294);
  });
});
