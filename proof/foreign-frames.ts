import { clientFrames, McsClient } from '../dev-env/mcs-client.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { tags } from '../server/gateways/mcs/codec.ts';
import { frameBytes } from '../server/gateways/mcs/frame-reader.ts';
import { tryEndedDevices } from './foreign-devices.ts';
import { framesOf } from './frames.ts';
import { bearer, type Neighbours, type Try } from './household.ts';

type Frame = Readonly<Record<string, unknown>>;

/** Every kind of frame at each gateway: from nobody, from who is not what it says, and from a stranger about what is another's. */
export async function tryForeignFrames(neighbours: Neighbours): Promise<readonly Try[]> {
  return [
    ...(await tryOwnSocket(neighbours)),
    ...(await tryAutopush(neighbours)),
    ...(await tryMcs(neighbours)),
    ...(await tryRegistrations(neighbours)),
    ...(await tryEndedDevices(neighbours)),
  ];
}

/** A socket that writes down what it hears. */
class Listening {
  readonly heard: Frame[] = [];
  readonly #socket: WebSocket;
  #code = 0;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const change = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    socket.onmessage = ({ data }) => {
      this.heard.push(JSON.parse(String(data)) as Frame);
      change();
    };
    socket.onclose = ({ code }) => {
      this.#code = code;
      change();
    };
  }

  static async open(url: string): Promise<Listening> {
    const socket = new WebSocket(url.replace('http', 'ws'));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    return new Listening(socket);
  }

  say(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The first frame that fits. @throws Error when the socket closes before. */
  async until(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.heard.find(fits);
      if (found !== undefined) return found;
      if (this.#code !== 0) throw new Error(`closed before: ${this.#code}`);
      await this.#changed.promise;
    }
  }

  async closed(): Promise<number> {
    while (this.#code === 0) await this.#changed.promise;
    return this.#code;
  }

  end(): void {
    this.#socket.close();
  }
}

async function tryOwnSocket(neighbours: Neighbours): Promise<readonly Try[]> {
  const { running, mine, theirs } = neighbours;
  const url = running.origin + CONNECT_PATH;
  const hello = { type: 'hello', protocol: 1, client: 'proof/1', device: mine.device.id };
  const tries: Try[] = [];
  const tokens = {
    'a wrong token': `${mine.device.token.slice(0, -4)}AAAA`,
    "another device's token": theirs.device.token,
    'an access token': mine.token,
    'no token': '',
  };
  for (const [what, token] of Object.entries(tokens)) {
    const socket = await Listening.open(url);
    socket.say({ ...hello, token });
    const code = await socket.closed();
    const held = code >= 4_400 && code < 4_500 && socket.heard.length === 0;
    tries.push({ what: `hello with ${what}`, held, told: `${code} ${JSON.stringify(socket.heard)}` });
  }
  for (const type of framesOf('websocket', ['of something']))
    tries.push(await tellOfAnother(neighbours, type));
  return tries;
}

/** A stranger who is logged in speaks of a message that waits for me: it must go on waiting. */
async function tellOfAnother({ running, mine, theirs }: Neighbours, type: string): Promise<Try> {
  const answer = await fetch(`${running.origin}/gcm_for_chrome/v1/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...bearer(mine.token) },
    body: JSON.stringify({ channelId: mine.seed.channel_id, subchannelId: 2, payload: 'mine' }),
  });
  const version = Number(answer.headers.get('Reveille-Message'));
  const socket = await Listening.open(running.origin + CONNECT_PATH);
  const { id: device, token } = theirs.device;
  socket.say({ type: 'hello', protocol: 1, client: 'proof/1', device, token });
  await socket.until(({ type: heard }) => heard === 'live');
  for (let run = 0; run < 9; run++) socket.say({ type, version, kind: 'failed', reason: '' });
  // Frames are taken in order: what was said before is done when this is answered.
  socket.say({ type: 'ping' });
  await socket.until(({ type: heard }) => heard === 'pong');
  socket.end();
  const missed = await fetch(`${running.origin}/v2/devices/${mine.device.id}/missed`, {
    headers: bearer(mine.device.token),
  });
  const text = await missed.text();
  return {
    what: `${type} of another's version`,
    held: version > 0 && text.includes(String(version)),
    told: text,
  };
}

async function greet(url: string, uaid = ''): Promise<{ socket: Listening; uaid: string }> {
  const socket = await Listening.open(url);
  socket.say({ messageType: 'hello', uaid, use_webpush: true, broadcasts: {} });
  const answer = await socket.until(({ messageType }) => messageType === 'hello');
  return { socket, uaid: String(answer.uaid) };
}

const channelID = 'c0ffee00-0000-4000-8000-000000000001';

async function register(socket: Listening): Promise<string> {
  socket.say({ messageType: 'register', channelID });
  const { pushEndpoint } = await socket.until(({ messageType }) => messageType === 'register');
  return String(pushEndpoint);
}

async function push(endpoint: string): Promise<number> {
  return (await fetch(endpoint, { method: 'POST', headers: { TTL: '600' } })).status;
}

async function tryAutopush({ running }: Neighbours): Promise<readonly Try[]> {
  const url = running.origin + AUTOPUSH_PATH;
  const tries: Try[] = [];
  for (const messageType of framesOf('autopush', ['of something', 'of nothing'])) {
    const socket = await Listening.open(url);
    socket.say({ messageType, channelID, updates: [], version: '1', broadcasts: {} });
    const code = await socket.closed();
    const held = code === 1_008 && socket.heard.length === 0;
    tries.push({ what: `autopush ${messageType} of nobody`, held, told: `${code}` });
  }
  const owner = await greet(url);
  const endpoint = await register(owner.socket);
  for (const [what, uaid] of Object.entries({
    'an altered uaid': owner.uaid.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    'an unknown uaid': 'f'.repeat(owner.uaid.length),
    'a uaid of another service': crypto.randomUUID().replaceAll('-', ''),
  })) {
    const { socket, uaid: given } = await greet(url, uaid);
    socket.end();
    tries.push({
      what: `autopush hello with ${what}`,
      held: given !== uaid && given !== owner.uaid,
      told: given,
    });
  }
  owner.socket.end();
  return [...tries, ...(await tryStrangersChannel(url, owner.uaid, endpoint))];
}

/** A stranger uses the channelID of another: it is a channel of its own, and the other's is as it was. */
async function tryStrangersChannel(url: string, uaid: string, endpoint: string): Promise<readonly Try[]> {
  const pushed = await push(endpoint);
  const stranger = await greet(url);
  const own = await register(stranger.socket);
  // A push that waits for the other, as its browser would acknowledge it; all versions of that time.
  const heardBefore = stranger.socket.heard.filter(({ messageType }) => messageType === 'notification');
  const first = await greet(url, uaid);
  const waiting = await first.socket.until(({ messageType }) => messageType === 'notification');
  first.socket.end();
  const updates = [{ channelID, version: waiting.version, code: 100 }];
  stranger.socket.say({ messageType: 'ack', updates });
  stranger.socket.say({ messageType: 'nack', version: waiting.version });
  stranger.socket.say({ messageType: 'unregister', channelID });
  const ended = await stranger.socket.until(({ messageType }) => messageType === 'unregister');
  stranger.socket.end();
  const again = await greet(url, uaid);
  const offered = await again.socket.until(({ messageType }) => messageType === 'notification');
  again.socket.end();
  const still = await push(endpoint);
  return [
    { what: "autopush register of another's channelID", held: own !== endpoint, told: own },
    { what: "autopush: another's pushes are not heard", held: heardBefore.length === 0, told: `${pushed}` },
    {
      what: "autopush ack and nack of another's version",
      held: offered.version === waiting.version,
      told: JSON.stringify(offered),
    },
    {
      what: "autopush unregister of another's channelID",
      held: still === 201,
      told: `${still} ${ended.status}`,
    },
    { what: 'autopush: the own subscription is ended', held: (await push(own)) >= 400, told: '' },
  ];
}

async function tryMcs(neighbours: Neighbours): Promise<readonly Try[]> {
  const { running, ca, chromium } = neighbours;
  const [mine, theirs] = [chromium(), chromium()];
  const connect = () => McsClient.connect(running.mcsPort ?? 0, ca);
  const tries: Try[] = [];
  for (const [what, token] of Object.entries({
    'a wrong token': String(mine.token ^ 1n),
    "another device's token": String(theirs.token),
    'no token': '',
    'words for a token': 'let me in',
  })) {
    const client = await connect();
    const { error } = await client.login(String(mine.id), token).catch(() => ({ error: 'closed' }));
    const data = client.heard.filter(({ tag }) => tag === tags.data);
    tries.push({
      what: `MCS login with ${what}`,
      held: error !== 0 && data.length === 0,
      told: String(error),
    });
    await client.cut();
  }
  for (const name of framesOf('mcs', ['of something', 'of nothing'])) {
    const client = await connect();
    client.write(Uint8Array.of(41), frameBytes(tags[name as keyof typeof tags], new Uint8Array()));
    await client.closed;
    const spoke = client.heard.filter((one) => one.tag !== tags.close);
    tries.push({ what: `MCS ${name} of nobody`, held: spoke.length === 0, told: JSON.stringify(spoke) });
  }
  const client = await connect();
  client.write(
    Uint8Array.of(41),
    clientFrames.login(String(mine.id), String(mine.token), [], String(theirs.id)),
  );
  const [answer] = await client.until(tags.loggedIn).catch(() => []);
  tries.push({
    what: 'MCS login as two devices',
    held: (answer?.error ?? 1) !== 0,
    told: String(answer?.error),
  });
  await client.cut();
  return tries;
}

/** Chromium's registrations over HTTP, with another's credentials and about another's registration. */
async function tryRegistrations(neighbours: Neighbours): Promise<readonly Try[]> {
  const { origin } = neighbours.running;
  const [mine, theirs] = [neighbours.chromium(), neighbours.chromium()];
  const ask = async (id: bigint, token: bigint, fields: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(`${origin}/register3`, {
      method: 'POST',
      headers: { Authorization: `AidLogin ${id}:${token}` },
      body: new URLSearchParams({ app: 'an.app', sender: '12345', device: String(mine.id), ...fields }),
    });
    return await answer.text();
  };
  const registered = await ask(mine.id, mine.token);
  const endpoint = `${origin}/fcm/send/${registered.replace('token=', '')}`;
  const refusals = [
    await ask(mine.id, theirs.token),
    await ask(theirs.id, mine.token),
    await ask(mine.id, 1n),
  ];
  const twin = await ask(theirs.id, theirs.token);
  await ask(theirs.id, theirs.token, { delete: 'true' });
  const still = await push(endpoint);
  return [
    ...refusals.map((told) => ({ what: 'register3 as another', held: told.startsWith('Error='), told })),
    { what: "register3 for another's app", held: twin !== registered, told: '' },
    { what: "register3 ends another's registration", held: still === 201, told: `${still}` },
  ];
}
