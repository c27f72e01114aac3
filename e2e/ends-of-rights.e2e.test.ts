import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { AppProfile, recorder } from '../dev-env/app-profile.ts';
import { Town } from '../dev-env/town.ts';
import { strangerToken } from '../dev-env/town-apps.ts';

describe('who may reach a handler', () => {
  let town: Town;
  let profile: AppProfile;

  beforeAll(async () => {
    town = await Town.start();
    profile = await AppProfile.start(town, { background: recorder });
    await profile.signIn();
  });
  afterAll(async () => {
    await profile?.[Symbol.asyncDispose]();
    await town?.[Symbol.asyncDispose]();
  });

  const send = (token: string, payload: string): Promise<Response> =>
    town.send(token, { channelId: town.seed.channel_id, subchannelId: 0, payload });

  test("EE7 a stranger's token is refused with the reason, and the handler never runs", async () => {
    const refused = await send(await strangerToken(town), 'from a stranger');
    expect(refused.status).toBe(403);
    expect(await refused.text()).toContain('does not own the app or extension');
    expect((await send(await town.accessToken(), 'from the owner')).status).toBe(204);
    await profile.gets('from the owner [0]');
    expect(await profile.got()).toEqual(['from the owner [0]']);
  });

  test('EE6 a token whose grant was revoked is refused by the very next request', async () => {
    const token = await town.accessToken();
    expect((await send(token, 'before')).status).toBe(204);
    const revoked = await fetch(
      `${town.origin}/o/oauth2/revoke?token=${encodeURIComponent(town.seed.refresh_token)}`,
    );
    expect(revoked.status).toBe(200);
    const refused = await send(token, 'after');
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('revoked');
    await profile.gets('before [0]');
    expect(await profile.got()).not.toContain('after [0]');
  });
});
