import { expect, test } from 'bun:test';
import { Device } from '../../client/device.ts';
import { Emulator } from '../../dev-env/emulator/emulator.ts';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

test('OB4 a message is a trace of accept, keep, deliver and confirm, and nothing private is in it', async () => {
  const bodies: string[] = [];
  const receiver = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      bodies.push(`${new URL(request.url).pathname} ${await request.text()}`);
      return Response.json({});
    },
  });
  const emulator = await Emulator.start({ port: 0, otlpEndpoint: `http://127.0.0.1:${receiver.port}/` });
  const { origin, access_token, channel_id, receiver_token, refresh_token, account } = emulator.town;
  const shown = Promise.withResolvers<void>();
  const phone = new Device({
    origin,
    name: 'phone',
    signIn: async () => receiver_token,
    onMessage: () => shown.resolve(),
  });
  await phone.connect();
  const answer = await fetch(`${origin}/v2/messages`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ channels: [channel_id], payload: 'nobody shall read this' }),
  });
  const { targets } = (await answer.json()) as { targets: { version: number }[] };
  await shown.promise;
  while (emulator.messages()[0]?.devices[0]?.state !== 'confirmed')
    await new Promise((resolve) => setImmediate(resolve));
  phone.close();
  // Closing sends what is left.
  await emulator[Symbol.asyncDispose]();
  await receiver.stop(true);
  const sent = bodies.join('\n');
  for (const secret of [
    'nobody shall',
    access_token,
    receiver_token,
    refresh_token,
    account.email,
    channel_id,
  ])
    expect(sent).not.toContain(secret);
  const spans = bodies.flatMap((body) => {
    expect(body).toStartWith('/v1/traces ');
    const { resourceSpans } = JSON.parse(body.slice('/v1/traces '.length)) as {
      resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
    };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
  expect(spans.map(({ name }) => name).sort()).toEqual(['accept', 'confirm', 'deliver', 'keep']);
  const root = spans.find(({ name }) => name === 'accept');
  for (const span of spans) {
    expect(span.traceId).toBe(root?.traceId ?? '');
    if (span !== root) expect(span.parentSpanId).toBe(root?.spanId ?? '');
    const message = span.attributes.find(({ key }) => key === 'reveille.message');
    expect(message?.value.stringValue).toBe(String(targets[0]?.version));
  }
});

test('OB4 without an endpoint nothing of OpenTelemetry is loaded', async () => {
  const file = new URL('../../dev-env/emulator/emulator.ts', import.meta.url).pathname;
  const loaded = async (more: string): Promise<number> => {
    const script = `
      const { Emulator } = await import('${file}');
      await Emulator.start({ port: 0, ${more} });
      const loaded = Object.keys(require.cache).filter((path) => path.includes('sdk-trace-base'));
      console.log(loaded.length);
      process.exit();`;
    const root = new URL('../..', import.meta.url).pathname;
    const child = Bun.spawn([process.execPath, '-e', script], { cwd: root, stdout: 'pipe', stderr: 'pipe' });
    return Number((await new Response(child.stdout).text()).trim());
  };
  expect(await loaded('')).toBe(0);
  expect(await loaded("otlpEndpoint: 'http://127.0.0.1:9'")).toBeGreaterThan(0);
});
