import { deviceActions } from '../server/intake/devices/own-device.ts';
import { BrowserLine } from './browser-line.ts';
import { doorRows } from './doors.ts';
import { bearer, type Neighbours, type Try } from './household.ts';

interface Knock {
  readonly what: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
  /** Of an answer that says its refusals in a 200. */
  readonly refusedIn?: string;
}

/**
 * Credentials that are good, at doors that are not theirs: another account's, another app's, another project's, another scope's, another
 * device's, and what has ended.
 */
export async function tryForeignDoors(neighbours: Neighbours): Promise<readonly Try[]> {
  const { origin } = neighbours.running;
  const messageId = await sendToMany(neighbours);
  const all = [
    ...messageKnocks(neighbours, messageId),
    ...storeKnocks(neighbours),
    ...deviceKnocks(neighbours),
    ...(await pushKnocks(neighbours)),
  ];
  const tries: Try[] = [];
  for (const knock of all) tries.push(await knockAt(origin, knock));
  return [...tries, await endedDevice(neighbours), ...untried(neighbours, all)];
}

/** Doors for a token that name nobody's thing: they are about whoever holds the token, or about the token itself. */
const ownAffairs =
  /\/(channels\/id|tokeninfo|register3|v2\/devices|notifications|upload\/chromewebstore\/v1\.1\/items)$/;

/** A door for a token that none of these asks for is a fault: nothing says that it tells one owner from another. */
function untried({ running }: Neighbours, knocks: readonly Knock[]): readonly Try[] {
  return doorRows(running.within.front)
    .filter(({ kind, path }) => kind === 'token' && !ownAffairs.test(path))
    .filter(({ path }) => {
      const pattern = path
        .replaceAll(/:[a-z]+\{\[\^\/\]\+(:\w+)\}/g, '[^/]+$1')
        .replaceAll(/:[a-z]+(?=\/|$)/g, '[^/]+');
      const matches = new RegExp(`^${pattern}$`);
      return !knocks.some((knock) => matches.test(knock.path.split('?')[0] ?? ''));
    })
    .map(({ method, path }) => ({
      what: `${method} ${path} of another owner`,
      held: false,
      told: 'it has no row',
    }));
}

async function knockAt(origin: string, knock: Knock): Promise<Try> {
  const { what, method = 'POST', path, headers = {}, body, refusedIn } = knock;
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(origin + path, { method, headers: { ...type, ...headers }, ...json });
  const text = await answer.text();
  const { status } = answer;
  const refused = refusedIn === undefined ? status >= 400 && status < 500 : text.includes(refusedIn);
  // 405 and 429 say nothing about who was there.
  const judged = status !== 405 && status !== 429;
  return {
    what: `${method} ${path}: ${what}`,
    held: refused && judged,
    told: `${status} ${text}`,
  };
}

async function sendToMany({ running, mine }: Neighbours): Promise<string> {
  const answer = await fetch(`${running.origin}/v2/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...bearer(mine.token) },
    body: JSON.stringify({ channels: [mine.seed.channel_id], payload: 'of mine' }),
  });
  const { id } = (await answer.json()) as { id: string };
  return id;
}

function messageKnocks({ mine, theirs }: Neighbours, message: string): readonly Knock[] {
  const channel = mine.seed.channel_id;
  const send = { channelId: channel, subchannelId: 0, payload: 'let me in' };
  const asks = (what: string, headers: Readonly<Record<string, string>>) => [
    { what, path: '/gcm_for_chrome/v1/messages', headers, body: send },
    { what, method: 'GET', path: `/v2/messages/${message}`, headers },
    { what, method: 'GET', path: `/v2/messages/${message}/events`, headers },
    { what, method: 'GET', path: `/v2/channels/${encodeURIComponent(channel)}`, headers },
  ];
  return [
    ...asks("another account's, app's and project's token", bearer(theirs.token)),
    ...asks('a token for the store', bearer(mine.storeToken)),
    ...asks("a device's token", bearer(mine.device.token)),
    ...asks('a refresh token', bearer(mine.seed.refresh_token)),
    ...asks('a client secret', bearer(mine.seed.client.client_secret)),
    {
      what: "another account's token",
      path: '/v2/messages',
      headers: bearer(theirs.token),
      body: { channels: [channel], payload: 'let me in' },
      refusedIn: '"accepted":0',
    },
    {
      what: 'a token for the store',
      path: '/v2/messages',
      headers: bearer(mine.storeToken),
      body: { channels: [channel], payload: '' },
    },
    {
      what: 'a token for the store',
      method: 'GET',
      path: '/gcm_for_chrome/v1/channels/id',
      headers: bearer(mine.storeToken),
    },
    {
      what: 'a token for the store',
      path: '/v2/devices',
      headers: bearer(mine.storeToken),
      body: { appId: mine.seed.app.id },
    },
  ];
}

function storeKnocks({ mine, theirs }: Neighbours): readonly Knock[] {
  const { app, publisher } = mine.seed;
  const doors = [
    ['GET', `/chromewebstore/v1.1/items/${app.id}?projection=DRAFT`],
    ['PUT', `/upload/chromewebstore/v1.1/items/${app.id}`],
    ['POST', `/chromewebstore/v1.1/items/${app.id}/publish`],
    ['POST', `/upload/v2/publishers/${publisher.id}/items/${app.id}:upload`],
    ['POST', `/v2/publishers/${publisher.id}/items/${app.id}:publish`],
    ['GET', `/v2/publishers/${publisher.id}/items/${app.id}:fetchStatus`],
    ['POST', `/v2/publishers/${publisher.id}/items/${app.id}:setPublishedDeployPercentage`],
  ] as const;
  return doors.flatMap(([method, path]) => [
    { what: "another account's token for the store", method, path, headers: bearer(theirs.storeToken) },
    { what: 'a token for sending', method, path, headers: bearer(mine.token) },
    { what: "a device's token", method, path, headers: bearer(mine.device.token) },
  ]);
}

function deviceKnocks({ mine, theirs }: Neighbours): readonly Knock[] {
  return Object.entries(deviceActions).flatMap(([rest, { method }]) => {
    const path = `/v2/devices/${mine.device.id}${rest}`;
    const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
    return [
      { what: "another device's token", method, path, headers: bearer(theirs.device.token), ...body },
      { what: "its account's access token", method, path, headers: bearer(mine.token), ...body },
    ];
  });
}

/** Endpoints with one character altered, and of a subscription that its browser has ended. */
async function pushKnocks({ running }: Neighbours): Promise<readonly Knock[]> {
  const line = await BrowserLine.open(running.origin);
  const stays = new URL(line.endpoint).pathname;
  const gone = new URL(await line.renew()).pathname;
  line.close();
  const token = stays.split('/').at(-1) ?? '';
  const altered = token.slice(0, -5) + (token.at(-5) === 'A' ? 'B' : 'A') + token.slice(-4);
  const headers = { TTL: '60' };
  const folders = ['/push', '/wpush', '/wpush/v1', '/wpush/v2', '/fcm/send', '/wp', '/preprod/wp'];
  return [
    ...folders.map((folder) => ({ what: 'an altered token', path: `${folder}/${altered}`, headers })),
    { what: 'a removed subscription', path: gone, headers },
    { what: 'a message of nobody', method: 'GET', path: `/m/${altered}` },
    { what: 'a message of nobody', method: 'DELETE', path: `/m/${altered}` },
    { what: 'receipts of nobody', method: 'GET', path: `/receipts/${altered}` },
  ];
}

/** The token of a device that was ended opens nothing of it any more. */
async function endedDevice({ running, mine }: Neighbours): Promise<Try> {
  const path = '/v2/devices';
  const made = await fetch(running.origin + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...bearer(mine.token) },
    body: JSON.stringify({ appId: mine.seed.app.id }),
  });
  const { deviceId, deviceToken } = (await made.json()) as { deviceId: string; deviceToken: string };
  const headers = bearer(deviceToken);
  await fetch(`${running.origin}${path}/${deviceId}`, { method: 'DELETE', headers });
  return await knockAt(running.origin, {
    what: 'the token of an ended device',
    method: 'GET',
    path: `${path}/${deviceId}/missed`,
    headers,
  });
}
