import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { fillSignIn, waitUntil } from '../dev-env/browser.ts';
import { Town } from '../dev-env/town.ts';

/** Calls getChannelId in the worker, in the callback form, and answers what the callback saw. */
async function ask(
  profile: AppProfile,
  interactive: boolean,
): Promise<{ channelId: string; error: string | null }> {
  const worker = await profile.browser.worker(profile.appId);
  // A worker can be reached before its script has run.
  await waitUntil('the shim', () => worker.evaluate(() => 'pushMessaging' in chrome));
  return worker.evaluate(
    (withPage) =>
      new Promise<{ channelId: string; error: string | null }>((resolve) => {
        const { pushMessaging } = chrome as unknown as {
          pushMessaging: {
            getChannelId(page: boolean, callback: (result: { channelId: string }) => void): void;
          };
        };
        pushMessaging.getChannelId(withPage, ({ channelId }) =>
          resolve({ channelId, error: chrome.runtime.lastError?.message ?? null }),
        );
      }),
    interactive,
  );
}

describe('sign-in in stock Chromium', () => {
  let town: Town;
  let profile: AppProfile;

  beforeAll(async () => {
    town = await Town.start();
    profile = await AppProfile.start(town, { background: recorder });
  });
  afterAll(async () => {
    await profile?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
  });

  test('CL7 signed out, without a page: the historic sentence, and no window', async () => {
    expect(await ask(profile, false)).toEqual({ channelId: '', error: 'The user is not signed in.' });
    expect(profile.browser.pages().filter((url) => url.startsWith(town.origin))).toEqual([]);
  });

  test('CL7 a dismissed window calls back with its own sentence', async () => {
    const asked = ask(profile, true);
    await (await profile.browser.signInWindow()).close();
    expect(await asked).toEqual({
      channelId: '',
      error: 'The user closed the sign-in window. Explain it, then call getChannelId(true) again.',
    });
  });

  test('AN22 the window says which app asks and what for; a path that is no request of an app says nothing', async () => {
    const asked = ask(profile, true);
    const window = await profile.browser.signInWindow();
    const title = await window.$eval('h1', (heading) => heading.textContent);
    expect(title).toMatch(/^Messages from \S/);
    const from = new URL(window.url()).searchParams.get('return') ?? '';
    await window.close();
    await asked;
    const headingAt = async (path: string) => /<h1>([^<]*)/.exec(await (await town.fetch(path)).text())?.[1];
    const to = (path: string) => `/accounts/sign-in?${new URLSearchParams({ return: path })}`;
    expect(await headingAt(to(from))).toBe(title ?? '');
    for (const path of ['/console', '/o/oauth2/auth?client_id=x', from.replace('chromiumapp', 'evil')])
      expect(await headingAt(to(path))).toBe('Sign in');
    expect(await (await town.fetch(to(from).replace('sign-in', 'sign-up'))).text()).toContain('For ');
  });

  test('EE1 a wrong password and then the right one, in one window, lead to the channel', async () => {
    const asked = ask(profile, true);
    const window = await profile.browser.signInWindow();
    const { email, password } = town.seed.account;
    await fillSignIn(window, email, 'not the password');
    await waitUntil('the form with its message', async () => (await window.$('[role=alert]')) !== null);
    await fillSignIn(window, email, password);
    expect(await asked).toEqual({ channelId: town.seed.channel_id, error: null });
  });

  test('CL9 the profile answers from then on, even while the service is away', async () => {
    await town.stop();
    expect(await ask(profile, false)).toEqual({ channelId: town.seed.channel_id, error: null });
    await town.startAgain();
  });

  test('CL26 a profile that is signed in gets messages before anything of the app asked for a channel', async () => {
    await profile.forgetDevice();
    await profile.browser.stopWorker(profile.appId);
    await profile.wake();
    await waitUntil('the registration', async () => 'reveille.device' in (await profile.stored()));
    const token = await town.accessToken();
    await waitUntil('the device', async () => {
      const stored = (await profile.stored())['reveille.device'] as { deviceId?: string } | null;
      return stored?.deviceId !== undefined;
    });
    await town.send(token, { channelId: town.seed.channel_id, subchannelId: 0, payload: 'unasked' });
    await profile.gets('unasked [0]');
  });

  test('CL26 a device that the user has ended registers anew', async () => {
    const before = await deviceId(profile);
    await endDevice(town, profile);
    await waitUntil('another device', async () => {
      const now = await deviceId(profile);
      return now !== undefined && now !== before;
    });
    const token = await town.accessToken();
    await town.send(token, { channelId: town.seed.channel_id, subchannelId: 1, payload: 'anew' });
    await profile.gets('anew [1]');
  });
});

describe('an app that leaves word of its end', () => {
  test('UN3 removed from stock Chromium it opens the page, whose button ends the device', async () => {
    await using town = await Town.start();
    const manifest = { push_messaging: { server: town.origin, uninstall_page: true } };
    await using profile = await AppProfile.start(town, { background: recorder, manifest });
    await profile.signIn();
    const devices = async () => {
      const path = `/v2/channels/${encodeURIComponent(town.seed.channel_id)}`;
      const headers = { Authorization: `Bearer ${await town.accessToken()}` };
      return ((await (await town.fetch(path, { headers })).json()) as { devices: number }).devices;
    };
    expect(await devices()).toBe(1);
    const worker = await profile.browser.worker(profile.appId);
    // The worker that is asked ends before it could answer.
    void worker.evaluate(() => chrome.management.uninstallSelf({ showConfirmDialog: false })).catch(() => {});
    const page = await profile.browser.window('/uninstalled/');
    await page.waitForSelector('form button');
    expect(await devices()).toBe(1);
    await Promise.all([page.waitForNavigation(), page.click('form button')]);
    expect(await devices()).toBe(0);
  }, 60_000);
});

describe('services that cannot sign anyone in', () => {
  test('CL7 an app that the service does not know, and a service that is not there, are told apart', async () => {
    await using town = await Town.start();
    // The example's own key: nobody has registered it here.
    await using profile = await AppProfile.start(town, { background: recorder, key: await exampleKey() });
    expect((await ask(profile, false)).error).toContain(
      `does not know the app ${profile.appId}. Register it`,
    );
    await town.stop();
    expect((await ask(profile, false)).error).toContain(
      `The push service at ${town.origin} cannot be reached.`,
    );
  });
});

const exampleKey = async (): Promise<string> =>
  (
    (await Bun.file(new URL('../examples/hello-push/manifest.json', import.meta.url)).json()) as {
      key: string;
    }
  ).key;

async function deviceId(profile: AppProfile): Promise<string | undefined> {
  return ((await profile.stored())['reveille.device'] as { deviceId?: string } | null | undefined)?.deviceId;
}

/** Ends the profile's device as its holder may. */
async function endDevice(town: Town, profile: AppProfile): Promise<void> {
  const device = (await profile.stored())['reveille.device'] as { deviceId: string; deviceToken: string };
  const answer = await fetch(`${town.origin}/v2/devices/${device.deviceId}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${device.deviceToken}` },
  });
  expect(answer.status).toBe(204);
}
