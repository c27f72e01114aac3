import { randomBytes } from 'node:crypto';
import { isAppId } from '../protocol/app-id.ts';
import { type Accounts, createAccounts } from './accounts/accounts.ts';
import type { ReceivingApp } from './core/receiving.ts';
import type { Ground } from './foundation.ts';
import type { Mailer } from './mail/mailer.ts';
import { mailOf } from './mailing.ts';
import { type OAuthRoom, openOAuth } from './oauth/room.ts';
import { webhooksOf } from './telling.ts';
import type { WebhooksRoom } from './webhooks/room.ts';
import { openWebstore, type WebstoreRoom } from './webstore/room.ts';

export interface Rooms {
  readonly accounts: Accounts;
  readonly oauth: OAuthRoom;
  readonly webstore: WebstoreRoom;
  readonly webhooks: WebhooksRoom;
  /** undefined = no mail is sent. */
  readonly mailer: Mailer | undefined;
  readonly setUpCode: string | undefined;
}

/** Accounts, apps, grants and webhooks, and what ends elsewhere when something ends here. */
export async function openPeople(ground: Ground, origin: string, closing: (() => unknown)[]): Promise<Rooms> {
  const { config, world, secrets, db, core } = ground;
  const code = config.loopback ? undefined : randomBytes(9).toString('base64url');
  const shared = { ...world, db, secrets };
  const mailer = await mailOf(config, world, closing);
  const accounts = await createAccounts({
    ...shared,
    origin,
    mailer,
    signUp: config.signUp,
    setupCode: code,
  });
  let rightsEnded = (): void => {};
  const webstore = openWebstore({
    ...shared,
    origin,
    folder: config.dataFolder,
    accounts,
    rightsEnded: () => rightsEnded(),
    appRemoved: (app) => core.receiving.endApp(app),
  });
  const oauth = openOAuth({
    ...shared,
    accounts,
    owners: webstore.apps,
    wasRemoved: (account, app) => core.receiving.wasRemoved(account, app),
    dailyQuota: config.dailyQuota,
    compat2013: config.compat === '2013',
  });
  rightsEnded = () => oauth.senders.rightsEnded();
  accounts.onSignInEnded((signIn) => core.receiving.endSignIn(signIn));
  accounts.onDelete((account) => core.receiving.endAccount(account));
  accounts.onExport('channels', async (account) => exportChannels(await core.receiving.apps(account)));
  oauth.grants.onEnded((account, client) => {
    if (!isAppId(client)) return;
    core.receiving
      .endDevices(account, client)
      .catch((error: unknown) => world.events.failed('end devices', error));
  });
  const webhooks = webhooksOf(ground, { ...oauth, ...webstore });
  closing.push(() => webhooks.stop());
  await webhooks.start();
  return {
    accounts,
    oauth,
    webstore,
    webhooks,
    mailer,
    setUpCode: (await accounts.count()) === 0 ? code : undefined,
  };
}

/** What is held of an account's channels and devices, without hashes. */
function exportChannels(apps: readonly ReceivingApp[]): unknown {
  return apps.map(({ channel, devices }) => ({
    id: channel.id,
    app: channel.app,
    state: channel.state,
    createdAt: channel.createdAt,
    devices: devices.map(({ id, name, registeredAt, seenAt }) => ({ id, name, registeredAt, seenAt })),
  }));
}
