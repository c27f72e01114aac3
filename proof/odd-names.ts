import { clientFrames, McsClient } from '../dev-env/mcs-client.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { type DoorRow, doorRows } from './doors.ts';
import { bearer, type Neighbours, type Try } from './household.ts';

/** What no id is, beside a real one: some readers end at a null byte, fold letters, or pass over what is not seen. */
const odd = (real: string): readonly string[] => [
  `${real}\0`,
  `\0${real}`,
  `${real}\u200b`,
  `${real}\ufeff`,
  `${real}\u0301`,
  `\u202e${real}`,
  real.replace(/[a-z0-9]/, (letter) => String.fromCodePoint(0xfee0 + (letter.codePointAt(0) ?? 0))),
  `${real}\ud800`,
  `${real}' OR '1'='1`,
  `${real}/../${real}`,
  'x'.repeat(3_000),
  '\0',
  '😀',
];

/** Each field that takes an id, with good credentials: refused and never an error of ours, whatever it holds. */
export async function tryOddNames(neighbours: Neighbours): Promise<readonly Try[]> {
  return [
    ...(await tryPaths(neighbours)),
    ...(await tryFields(neighbours)),
    ...(await trySockets(neighbours)),
    ...(await tryBrowser(neighbours)),
  ];
}

/** Every parameter of every route, from the router's own list. */
async function tryPaths({ running, mine }: Neighbours): Promise<readonly Try[]> {
  const { origin } = running;
  const headersOf = ({ kind, path }: DoorRow) => {
    if (kind === 'signed-in') return { Cookie: mine.seed.cookie };
    if (kind === 'open') return {};
    if (path.startsWith('/v2/devices')) return bearer(mine.device.token);
    return bearer(/store|upload|publishers/.test(path) ? mine.storeToken : mine.token);
  };
  const rows = doorRows(running.within.front).filter(
    ({ path, method }) => path.includes(':') && method === 'GET',
  );
  const tries: Try[] = [];
  for (const row of rows) {
    const real = row.path.startsWith('/v2/channels') ? mine.seed.channel_id : mine.seed.app.id;
    for (const name of odd(real)) {
      const path = row.path.replaceAll(/:[a-z]+(\{[^}]*\})?/g, encodeURIComponent(name.toWellFormed()));
      const { status } = await fetch(origin + path, { headers: headersOf(row), redirect: 'manual' });
      const refused = status >= 400 && status < 500 && status !== 429;
      // What anyone may read may also say that there is nothing of that name.
      const held = row.kind === 'open' ? status < 500 : refused;
      tries.push({
        what: `GET ${row.path} of ${JSON.stringify(name.slice(0, 60))}`,
        held,
        told: `${status}`,
      });
    }
  }
  return tries;
}

interface Field {
  readonly what: string;
  readonly real: string;
  readonly ask: (name: string) => Promise<Response>;
}

/** Fields of bodies and queries that hold an id or a secret, each with one that is good. */
function fieldsOf(neighbours: Neighbours): readonly Field[] {
  const { origin } = neighbours.running;
  const { seed, token, device } = neighbours.mine;
  const { client_id, client_secret } = seed.client;
  const json = (path: string, body: (name: string) => object, real: string) => ({
    what: path,
    real,
    ask: (name: string) => {
      const headers = { 'Content-Type': 'application/json', ...bearer(token) };
      return fetch(origin + path, { method: 'POST', headers, body: JSON.stringify(body(name)) });
    },
  });
  const form = (what: string, fields: (name: string) => Record<string, string>, real: string) => ({
    what,
    real,
    ask: (name: string) => {
      const body = new URLSearchParams(fields(name.toWellFormed()));
      return fetch(`${origin}/o/oauth2/token`, { method: 'POST', body });
    },
  });
  const refresh = {
    client_id,
    client_secret,
    refresh_token: seed.refresh_token,
    grant_type: 'refresh_token',
  };
  return [
    json(
      '/gcm_for_chrome/v1/messages',
      (channelId) => ({ channelId, subchannelId: 0, payload: '' }),
      seed.channel_id,
    ),
    json(
      '/gcm_for_chrome/v1/messages',
      (subchannelId) => ({ channelId: seed.channel_id, subchannelId }),
      '0',
    ),
    json('/v2/devices', (appId) => ({ appId }), seed.app.id),
    form('client_id', (name) => ({ ...refresh, client_id: name }), client_id),
    form('client_secret', (name) => ({ ...refresh, client_secret: name }), client_secret),
    form('refresh_token', (name) => ({ ...refresh, refresh_token: name }), seed.refresh_token),
    form('grant_type', (name) => ({ ...refresh, grant_type: name }), 'refresh_token'),
    form('code', (code) => ({ client_id, client_secret, code, grant_type: 'authorization_code' }), '4/code'),
    {
      what: 'tokeninfo',
      real: token,
      ask: (name: string) =>
        fetch(`${origin}/oauth2/v1/tokeninfo?access_token=${encodeURIComponent(name.toWellFormed())}`),
    },
    {
      what: 'the token of a device',
      real: device.token,
      ask: (name: string) => {
        const query = encodeURIComponent(name.toWellFormed());
        return fetch(`${origin}/v2/devices/${device.id}/missed?access_token=${query}`);
      },
    },
  ];
}

async function tryFields(neighbours: Neighbours): Promise<readonly Try[]> {
  const tries: Try[] = [];
  for (const { what, real, ask } of fieldsOf(neighbours)) {
    for (const name of odd(real)) {
      const answer = await ask(name);
      const told = await answer.text();
      const held = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
      tries.push({
        what: `${what} of ${JSON.stringify(name.slice(-60))}`,
        held,
        told: `${answer.status} ${told}`,
      });
    }
  }
  return tries;
}

/** What a socket says to one frame until it is closed, or to its first answer. */
function said(url: string, frame: object): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  return new Promise((resolve) => {
    socket.onopen = () => socket.send(JSON.stringify(frame));
    socket.onclose = ({ code }) => resolve(String(code));
    socket.onmessage = ({ data }) => {
      resolve(String(data));
      socket.close();
    };
  });
}

async function trySockets({ running, mine: { device } }: Neighbours): Promise<readonly Try[]> {
  const tries: Try[] = [];
  for (const field of ['device', 'token'] as const) {
    const real = field === 'device' ? device.id : device.token;
    for (const name of odd(real)) {
      const hello = { type: 'hello', protocol: 1, client: 'proof/1', device: device.id, token: device.token };
      const told = await said(running.origin + CONNECT_PATH, { ...hello, [field]: name });
      tries.push({ what: `hello with an odd ${field}`, held: /^44[0-9]{2}$/.test(told), told });
    }
  }
  for (const uaid of odd(crypto.randomUUID().replaceAll('-', ''))) {
    const told = await said(running.origin + AUTOPUSH_PATH, {
      messageType: 'hello',
      uaid,
      use_webpush: true,
    });
    // Firefox is given another one: it has no answer for "no".
    const held = told === '1008' || (told.includes('"status":200') && !told.includes(JSON.stringify(uaid)));
    tries.push({ what: 'autopush hello with an odd uaid', held, told });
  }
  return tries;
}

/** Chromium's ids are numbers, and what it registers are short names. */
async function tryBrowser({ running, ca, chromium }: Neighbours): Promise<readonly Try[]> {
  const { id, token } = chromium();
  const tries: Try[] = [];
  for (const name of odd(String(id))) {
    const client = await McsClient.connect(running.mcsPort ?? 0, ca);
    client.write(Uint8Array.of(41), clientFrames.login(name, String(token)));
    const [answer] = await client.until(tags.loggedIn).catch(() => []);
    tries.push({ what: 'MCS login with an odd id', held: answer?.error !== 0, told: `${answer?.error}` });
    await client.cut();
  }
  for (const field of ['app', 'sender', 'X-subtype', 'appid', 'device']) {
    for (const name of odd('1234')) {
      const good = { app: 'an.app', sender: '12345', device: String(id) };
      const answer = await fetch(`${running.origin}/register3`, {
        method: 'POST',
        headers: { Authorization: `AidLogin ${id}:${token}` },
        body: new URLSearchParams({ ...good, [field]: name.toWellFormed() }),
      });
      const told = await answer.text();
      // What `device` says is not looked at: the header says who asks. A name may have any visible letters of ASCII.
      const mayBe = field === 'device' || /^[!-~]{1,400}$/.test(name);
      const held = answer.status < 500 && (mayBe || told.startsWith('Error='));
      tries.push({ what: `register3 with an odd ${field}`, held, told: `${answer.status} ${told}` });
    }
  }
  return tries;
}
