import { expect, test } from 'bun:test';
import { type Seed, Town } from '../dev-env/town.ts';

/** Another developer with an app of their own, through the public doors. */
async function neighbour({ origin }: Town): Promise<Seed> {
  const post = (path: string, body: unknown, cookie = '') =>
    fetch(`${origin}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(cookie && { Cookie: cookie }) },
      body: JSON.stringify(body),
    });
  const person = { email: 'neighbour@example.com', password: 'a few good words', name: 'Neighbour' };
  const signedUp = await post('/accounts/api/sign-up/email', person);
  const cookie = signedUp.headers.getSetCookie().map((one) => one.split(';')[0]);
  return (await (await post('/v2/bootstrap', {}, cookie.join('; '))).json()) as Seed;
}

test('OW3 a sender that refreshes on every 403 is not locked out by a hundred messages to apps it does not own', async () => {
  await using town = await Town.start();
  const foreign = (await neighbour(town)).channel_id;
  let token = await town.accessToken();
  for (let i = 0; i < 100; i++) {
    const answer = await town.send(token, { channelId: foreign, subchannelId: 0, payload: String(i) });
    expect(answer.status).toBe(403);
    token = await town.accessToken();
  }
  const own = { channelId: town.seed.channel_id, subchannelId: 0, payload: 'mine' };
  expect((await town.send(token, own)).status).toBe(204);
});
