import { PageVisitor } from './page-visitor.ts';
import type { Town } from './town.ts';

/** Names a webhook of the seed's app in the console, as its owner does. Answers its signing secret. */
export async function nameWebhook({ origin, seed }: Town, url: string): Promise<string> {
  const site = {
    origin,
    fetch: (path: string, init?: RequestInit) => fetch(origin + path, { ...init, redirect: 'manual' }),
  };
  const list = `/console/apps/${seed.app.id}/webhooks`;
  const owner = new PageVisitor(site, seed.cookie);
  const { text } = await owner.send(list, list, { url, 'message.confirmed': 'yes' });
  const secret = /whsec_[A-Za-z0-9+/=]+/.exec(text)?.[0];
  if (secret === undefined) throw new Error(`no webhook was made: ${text}`);
  return secret;
}
