import { PageVisitor } from './page-visitor.ts';
import type { Town } from './town.ts';

/**
 * Names a webhook in the console, of the seed's app unless another page of webhooks is given, as its owner does.
 * Answers its signing secret.
 */
export async function nameWebhook(
  { origin, seed }: Town,
  url: string,
  list = `/console/apps/${seed.app.id}/webhooks`,
  event = 'message.confirmed',
): Promise<string> {
  const site = {
    origin,
    fetch: (path: string, init?: RequestInit) => fetch(origin + path, { ...init, redirect: 'manual' }),
  };
  const owner = new PageVisitor(site, seed.cookie);
  const { text } = await owner.send(list, list, { url, [event]: 'yes' });
  const secret = /whsec_[A-Za-z0-9+/=]+/.exec(text)?.[0];
  if (secret === undefined) throw new Error(`no webhook was made: ${text}`);
  return secret;
}
