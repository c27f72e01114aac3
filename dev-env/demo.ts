import { Device } from '../client/device.ts';
import { createCall } from '../client/service.ts';
import { signIn } from '../client/sign-in.ts';
import { AppProfile } from './app-profile.ts';
import { waitUntil } from './browser.ts';
import { chromiumPath } from './installed-browsers.ts';
import { Town } from './town.ts';

/**
 * `npm run demo`: the whole story in a terminal. A server in an empty folder, one account, the guide's extension in a stock
 * Chromium, a person who signs in, a server that sends, and the message confirmed by the extension's own handler. Where no
 * Chromium is installed, or with `--without-browser`, a program takes the place of the extension.
 */
const payload = 'Hello, push';
const waitMs = 30_000;
const withoutBrowser = process.argv.includes('--without-browser');

let step = 0;
function tell(text: string): void {
  step += 1;
  console.log(`${step}. ${text}`);
}

/** A place where messages arrive, with what it showed. */
interface Recipient extends AsyncDisposable {
  /** Settles when the message with this text was shown. */
  shown(text: string): Promise<void>;
}

async function extensionInChromium(town: Town): Promise<Recipient> {
  const profile = await AppProfile.start(town);
  tell(`Started ${chromiumPath()} with the extension of the guide, ${profile.appId}.`);
  // It opens in front of everything, so nothing is clicked before: a page in the background is not drawn.
  const welcome = async () => profile.browser.pages().some((url) => url.endsWith('/welcome.html'));
  await waitUntil('the welcome page', welcome, waitMs);
  tell('Nobody is signed in, so the extension opened its welcome page.');
  await profile.signIn();
  tell(`Signed in as ${town.seed.account.email} on the page of ${town.origin}; the app has its channel.`);
  return {
    shown: (text) => profile.browser.shows(profile.appId, `${text} [0]`),
    [Symbol.asyncDispose]: () => profile[Symbol.asyncDispose](),
  };
}

async function programAsDevice({ seed, origin }: Town): Promise<Recipient> {
  const why = withoutBrowser ? 'As asked' : 'No Chromium is installed (Debian: apt-get install chromium), so';
  tell(`${why} a program takes the place of the extension.`);
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<string>();
  const launch = async (url: string): Promise<string | undefined> => {
    const answer = await fetch(url, { headers: { Cookie: seed.cookie }, redirect: 'manual' });
    return answer.headers.get('location') ?? undefined;
  };
  const ports = { origin, appId: seed.app.id, call: createCall(origin, fetch), launch, note: () => {} };
  const device = new Device({
    origin,
    name: 'demo',
    signIn: () => signIn(ports, false),
    onMessage: (message) => arrive(message.payload),
  });
  await device.connect();
  tell(`It is signed in, has its channel ${device.channelId} and is connected.`);
  return {
    async shown(text) {
      if ((await arrived) !== text) throw new Error('another message arrived');
    },
    async [Symbol.asyncDispose]() {
      device.close();
    },
  };
}

/** When the confirm of a version was kept, in milliseconds since 1970, by the server's own log. */
async function confirmedAt(town: Town, version: number): Promise<number> {
  let at: number | undefined;
  await waitUntil(
    'the confirm',
    async () => {
      for (const line of town.log.split('\n').filter((one) => one.includes('"confirmed"'))) {
        const entry = JSON.parse(line) as { msg: string; version: number; time: number };
        if (entry.msg === 'confirmed' && entry.version === version) at = entry.time;
      }
      return at !== undefined;
    },
    waitMs,
  );
  return at ?? 0;
}

async function tellStory(): Promise<void> {
  await using town = await Town.start({ flags: ['--log-level', 'debug'] });
  const { seed, origin } = town;
  tell(`A server runs at ${origin} with an empty data folder.`);
  tell(
    `It has an account (${seed.account.email}), a project (${seed.project.id}), an OAuth client and an app.`,
  );
  await using recipient = hasChromium() ? await extensionInChromium(town) : await programAsDevice(town);
  const token = await town.accessToken();
  tell('The app server got an access token for its refresh token.');
  const startedAt = Date.now();
  const answer = await town.send(token, { channelId: seed.channel_id, subchannelId: 0, payload });
  const version = Number(answer.headers.get('reveille-message'));
  tell(`POST /gcm_for_chrome/v1/messages: ${answer.status}, kept on disk as version ${version}.`);
  if (answer.status !== 204) throw new Error(await answer.text());
  await recipient.shown(payload);
  tell(`The handler showed "${payload}".`);
  console.log(`delivered and confirmed in ${(await confirmedAt(town, version)) - startedAt} ms`);
}

function hasChromium(): boolean {
  if (withoutBrowser) return false;
  try {
    chromiumPath();
    return true;
  } catch {
    return false;
  }
}

try {
  await tellStory();
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
