import { expect, test } from 'bun:test';
import { PostOffice } from '../dev-env/post-office.ts';
import { Town } from '../dev-env/town.ts';
import { nameWebhook } from '../dev-env/town-webhook.ts';
import { WebhookReceiver } from '../dev-env/webhook-receiver.ts';

test('QW1 QW4 the eighth of ten messages brings a mail to the owner and an event to the webhook of the project', async () => {
  await using office = await PostOffice.start();
  await using receiver = await WebhookReceiver.start();
  await using town = await Town.start({
    dailyQuota: 10,
    flags: [...office.flags, '--webhook-addresses', 'any'],
    environment: { NODE_EXTRA_CA_CERTS: receiver.caFile },
  });
  const { id } = town.seed.project;
  await nameWebhook(town, receiver.url(), `/console/projects/${id}/webhooks`, 'quota.warning');
  const token = await town.accessToken();
  const message = { channelId: town.seed.channel_id, subchannelId: 1, payload: 'Hello' };
  for (let count = 0; count < 8; count += 1) expect((await town.send(token, message)).status).toBe(204);

  const [call] = await receiver.has(1);
  const { type, data } = JSON.parse(call?.body ?? '{}');
  expect(type).toBe('quota.warning');
  expect(data).toMatchObject({ project: id, percent: 80, accepted: 8, limit: 10 });
  expect(data.resetsAt).toMatch(/^\d{4}-\d\d-\d\dT00:00:00\.000Z$/);
  const [mail] = await office.has(1);
  expect(mail?.to).toEqual([town.seed.account.email]);
  expect(mail?.headers.get('subject')).toBe('A project has used 80 % of its messages today');
  expect(mail?.text).toContain('has sent 8 of the\n10 messages');
  expect(mail?.text).toContain(`${town.origin}/console/projects/${id}\n`);
});
