import { expect, test } from 'bun:test';
import { OAuth2Client } from 'google-auth-library';
import { Town } from '../../dev-env/town.ts';
import { SEND_SCOPE } from '../core/sender.ts';

test("DI1 Google's auth library, given our endpoints, gets tokens by a refresh token, sends with them, asks about them and revokes", async () => {
  await using town = await Town.start();
  const { client, refresh_token, channel_id } = town.seed;
  const google = new OAuth2Client({
    clientId: client.client_id,
    clientSecret: client.client_secret,
    endpoints: {
      oauth2TokenUrl: `${town.origin}/token`,
      tokenInfoUrl: `${town.origin}/tokeninfo`,
      oauth2RevokeUrl: `${town.origin}/revoke`,
    },
  });
  google.setCredentials({ refresh_token });
  const sent = await google.request({
    url: `${town.origin}/gcm_for_chrome/v1/messages`,
    method: 'POST',
    data: { channelId: channel_id, subchannelId: 1, payload: 'by the library' },
  });
  expect(sent.status).toBe(204);
  const { token } = await google.getAccessToken();
  const info = await google.getTokenInfo(token ?? '');
  expect(info).toMatchObject({ audience: client.client_id, access_type: 'offline' });
  expect(info.scopes).toContain(SEND_SCOPE);
  expect((await google.revokeToken(token ?? '')).status).toBe(200);
});
