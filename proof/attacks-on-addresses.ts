import { createECDH, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { PageVisitor } from '../dev-env/page-visitor.ts';
import { WebhookReceiver } from '../dev-env/webhook-receiver.ts';
import { httpsPost } from '../server/outgoing/https-post.ts';
import { bearer, type Neighbours, siteOf, type Try } from './household.ts';

/** A service inside the operator's network that nobody may reach through the server: it counts who connects. */
export class InnerService implements AsyncDisposable {
  reached = 0;
  readonly #server = createServer((socket) => {
    this.reached++;
    socket.destroy();
  });

  static async open(): Promise<InnerService> {
    const inner = new InnerService();
    await new Promise<void>((resolve) => inner.#server.listen(0, '127.0.0.1', resolve));
    return inner;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Hosts that are this machine, its network or its cloud's keeper, in every way of writing that some reader of URLs knows. */
const inside = (port: number): readonly string[] =>
  [
    ...[
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '017700000001',
      '0177.0.0.1',
      '0',
      '0.0.0.0',
    ],
    ...[
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[fe80::1]',
    ],
    ...[
      '169.254.169.254',
      '[::ffff:169.254.169.254]',
      '10.0.0.1',
      '192.168.0.1',
      '①②⑦.⓪.⓪.①',
      '127。0。0。1',
    ],
    ...['user@127.0.0.1', 'push.example@127.0.0.1', '%31%32%37.0.0.1'],
  ].map((host) => `https://${host}:${port}/`);

/** Calls from the server into its operator's network: by a device's push endpoint, by a webhook, by the playground, by a redirect. */
export async function tryAddresses(neighbours: Neighbours, inner: InnerService): Promise<readonly Try[]> {
  const tries = [
    ...(await tryEndpoints(neighbours, inner)),
    ...(await tryWebhooks(neighbours, inner)),
    ...(await tryPlayground(neighbours, inner)),
    await tryRedirect(inner),
  ];
  const { reached } = inner;
  return [...tries, { what: 'the service inside', held: reached === 0, told: `reached ${reached} times` }];
}

async function tryEndpoints(
  { running, mine, logged }: Neighbours,
  { port }: InnerService,
): Promise<readonly Try[]> {
  const keys = createECDH('prime256v1');
  const p256dh = keys.generateKeys('base64url');
  const auth = randomBytes(16).toString('base64url');
  const headers = { 'Content-Type': 'application/json', ...bearer(mine.device.token) };
  const put = async (endpoint: string) => {
    const body = JSON.stringify({ transport: { kind: 'push', endpoint, p256dh, auth } });
    const path = `/v2/devices/${mine.device.id}/transport`;
    return (await fetch(running.origin + path, { method: 'PUT', headers, body })).status;
  };
  const tries: Try[] = [];
  for (const endpoint of [...inside(port), `http://localhost:${port}/`, `https://localhost.:${port}/`]) {
    const status = await put(endpoint);
    tries.push({ what: `push endpoint ${endpoint}`, held: status === 400, told: `${status}` });
  }
  // Its operator allows this host: what it resolves to is not looked at before the call.
  const named = await put(`https://localhost:${port}/`);
  await fetch(`${running.origin}/gcm_for_chrome/v1/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...bearer(mine.token) },
    body: JSON.stringify({ channelId: mine.seed.channel_id, subchannelId: 3, payload: 'wake up' }),
  });
  const told = await logged(`"where":"push to localhost:${port}"`);
  const held = named === 204 && told.includes('which is not public');
  return [
    ...tries,
    { what: 'push endpoint with a name that resolves to loopback', held, told: `${named} ${told}` },
  ];
}

async function tryWebhooks({ running, mine }: Neighbours, { port }: InnerService): Promise<readonly Try[]> {
  const list = `/console/projects/${mine.seed.project.id}/webhooks`;
  const visitor = new PageVisitor(siteOf(running.origin), mine.seed.cookie);
  const make = async (url: string) => await visitor.send(list, list, { url, 'message.confirmed': 'yes' });
  const tries: Try[] = [];
  for (const url of [...inside(port), `http://localhost:${port}/`, `https://user@localhost:${port}/`]) {
    const { status, path } = await make(url);
    tries.push({ what: `webhook ${url}`, held: status === 400 && path === list, told: `${status} ${path}` });
  }
  const { path } = await make(`https://localhost:${port}/`);
  const [page = ''] = path.split('?');
  await visitor.send(page, `${page}/test`);
  for (;;) {
    const { text } = await visitor.open(page);
    const held = text.includes('its address is not public');
    // What became of the test stands on the page once it was tried.
    if (held || / (failed|delivered)\b/i.test(text))
      return [...tries, { what: 'webhook with a name that resolves to loopback', held, told: text }];
    await Bun.sleep(20);
  }
}

/** The playground sends to this server alone, and without leaving the house. */
async function tryPlayground({ running, mine }: Neighbours, { port }: InnerService): Promise<readonly Try[]> {
  const visitor = new PageVisitor(siteOf(running.origin), mine.seed.cookie);
  const tries: Try[] = [];
  for (const url of [
    ...inside(port),
    `http://localhost:${port}/`,
    `//localhost:${port}/`,
    `${running.origin}@localhost:${port}/`,
  ]) {
    const draft = { method: 'GET', url, headers: '', body: '' };
    const { text } = await visitor.send('/oauthplayground', '/oauthplayground/send', draft);
    const held = /sends to this server only|is not an address/.test(text);
    tries.push({ what: `the playground sends to ${url}`, held, told: text.slice(0, 200) });
  }
  return tries;
}

/** An address that may be called answers that the caller should go on to one that may not. */
async function tryRedirect({ port }: InnerService): Promise<Try> {
  await using outer = await WebhookReceiver.start();
  outer.answer = () => Response.redirect(`https://localhost:${port}/`, 307);
  const out = httpsPost({ privateAddresses: true }, outer.ca);
  const { status } = await out.post(new URL(outer.url()), {}, Buffer.from('{}'));
  out.close();
  return {
    what: 'a redirect to loopback',
    held: status === 307 && outer.calls.length === 1,
    told: `${status}`,
  };
}
