import { expect, test } from 'bun:test';
import { PageVisitor } from '../dev-env/page-visitor.ts';
import { Town } from '../dev-env/town.ts';
import { signInToTown, townDevice } from '../dev-env/town-device.ts';

test('OA32 an app that its user removed stays out: its channel is refused and no silent sign-in brings it back', async () => {
  await using town = await Town.start();
  const device = townDevice(town, { name: 'laptop', onMessage: () => {} });
  await device.connect();
  device.close();
  const token = await town.accessToken();
  const message = { channelId: town.seed.channel_id, subchannelId: 0, payload: 'hi' };
  expect((await town.send(token, message)).status).toBe(204);

  const visitor = new PageVisitor(
    { fetch: (path, init) => fetch(`${town.origin}${path}`, { ...init, redirect: 'manual' }) },
    town.seed.cookie,
  );
  const page = '/console/receiving';
  await visitor.send(page, `${page}/${town.seed.app.id}/remove`, { sure: 'on' });

  const refused = await town.send(token, message);
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining('The user removed the app'),
  ]);
  await expect(signInToTown(town)).rejects.toThrow();
  expect((await town.send(token, message)).status).toBe(400);
});
