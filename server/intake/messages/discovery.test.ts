import { expect, test } from 'bun:test';
import { OAuth2Client } from 'google-auth-library';
import { type Common, google } from 'googleapis';
import { Town } from '../../../dev-env/town.ts';

type Method = (params: Record<string, unknown>) => Promise<{ status: number; data: unknown }>;

interface Client {
  readonly messages: { readonly insert: Method };
  readonly channels: { readonly id: Method };
}

test("DI4 DI3 Google's client library, given our discovery URL, builds a client that sends and reads the channel", async () => {
  await using town = await Town.start();
  const { client, refresh_token, channel_id } = town.seed;
  const auth = new OAuth2Client({
    clientId: client.client_id,
    clientSecret: client.client_secret,
    endpoints: { oauth2TokenUrl: `${town.origin}/o/oauth2/token` },
  });
  auth.setCredentials({ refresh_token });
  const url = `${town.origin}/discovery/v1/apis/gcm_for_chrome/v1/rest`;
  const gcm = (await google.discoverAPI<unknown>(url, { auth })) as Client;

  const message = { channelId: channel_id, subchannelId: '2', payload: 'by the client library' };
  const sent = await gcm.messages.insert({ requestBody: message });
  expect(sent.status).toBe(204);
  const read = await gcm.channels.id({ app_id: channel_id.split('/')[1] });
  expect(read.data).toEqual({ id: channel_id });

  const wrong = { requestBody: { ...message, subchannelId: '4' } };
  const refused = await gcm.messages.insert(wrong).catch((error: Common.GaxiosError) => error);
  expect(refused).toMatchObject({ status: 400 });
  expect((refused as Common.GaxiosError).message).toContain('subchannel value must be 0, 1, 2, or 3');
});

test('DI3 the discovery document has our origin and the addresses of the doors, and the list names it', async () => {
  await using town = await Town.start({ seeded: false });
  const list = await fetch(`${town.origin}/discovery/v1/apis`);
  expect(list.headers.get('access-control-allow-origin')).toBe('*');
  const { items } = (await list.json()) as { items: readonly { discoveryRestUrl: string }[] };
  expect(items).toMatchObject([{ name: 'gcm_for_chrome', version: 'v1', preferred: true }]);
  const answer = await fetch(items[0]?.discoveryRestUrl ?? '');
  expect(await answer.json()).toMatchObject({
    kind: 'discovery#restDescription',
    rootUrl: `${town.origin}/`,
    servicePath: 'gcm_for_chrome/v1/',
    schemas: { Message: { properties: { subchannelId: { enum: ['0', '1', '2', '3'] } } } },
    resources: {
      messages: { methods: { insert: { path: 'messages', httpMethod: 'POST' } } },
      channels: { methods: { id: { path: 'channels/id', httpMethod: 'GET' } } },
    },
  });
  const posted = await fetch(`${town.origin}/discovery/v1/apis`, { method: 'POST' });
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});
