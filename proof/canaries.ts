import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPushKey } from '../server/config/push-key.ts';
import type { Secrets } from '../server/config/secrets.ts';
import type { RunningServer } from '../server/main.ts';
import type { Household } from './household.ts';

/** The login at the mail server that nothing may tell. */
export const MAIL_PASSWORD = 'the-password-of-the-mail-server-2207';

/** A webhook of a household's project: who else asks for it is refused. */
export interface OwnWebhook {
  readonly id: string;
  readonly secret: string;
}

export async function makeWebhook({ within }: RunningServer, { seed }: Household): Promise<OwnWebhook> {
  const { webhooks } = within.rooms.webhooks;
  const account = await within.rooms.accounts.findByEmail(seed.account.email);
  if (account === undefined) throw new Error('the household has no account');
  const target = { url: 'https://hooks.example/', events: ['message.confirmed'], all: false };
  const { id } = await webhooks.create(account, { kind: 'project', id: seed.project.id }, target);
  return { id, secret: await webhooks.secretOf(account, id) };
}

/** Every secret of a server in `folder` by its name, to be looked for in all that it says. */
export async function canariesOf(
  folder: string,
  secrets: Secrets,
  households: Readonly<Record<string, Household>>,
): Promise<Map<string, string>> {
  const ring = await readFile(join(folder, 'secrets'), 'utf8');
  const canaries = new Map([
    ['the password of the mail server', MAIL_PASSWORD],
    ['the same in base64, as SMTP sends it', Buffer.from(MAIL_PASSWORD).toString('base64')],
    ['the private key of pushes', (await openPushKey(folder, secrets)).privateKey],
    ['the key of the ring', ring.trim()],
  ]);
  for (const [whose, { seed, token, storeToken, device }] of Object.entries(households)) {
    const { client, refresh_token, publish_refresh_token, account, cookie } = seed;
    const own = {
      ...{ refresh_token, publish_refresh_token, token, storeToken },
      client_secret: client.client_secret,
      cookie: cookie.split('=')[1] ?? cookie,
      password: account.password,
      'device token': device.token,
    };
    for (const [name, secret] of Object.entries(own)) if (secret) canaries.set(`${name} of ${whose}`, secret);
  }
  return canaries;
}
