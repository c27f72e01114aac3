import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import { grantedTtl, type Pushes } from '../../core/push.ts';
import type { Subscription } from '../../core/subscription.ts';
import { readBytes } from '../../doors/body.ts';
import { assertMethod } from '../../doors/door.ts';
import { pushAnswer } from './answers.ts';
import { readEncryption } from './encryption.ts';
import { readDeliveryWish } from './push-headers.ts';
import type { Resources } from './resources.ts';
import { assertSender, readVapid } from './vapid.ts';

export interface PushDoorDeps {
  readonly pushes: Pick<Pushes, 'open' | 'accept' | 'load'>;
  readonly resources: Resources;
  /** Origins that a sender's `aud` may name; ours is the first. */
  readonly origins: ReadonlySet<string>;
  readonly clock: Clock;
  /** The receiver is no page but `chrome.gcm` or `chrome.instanceID`: it decrypts nothing and takes a body as its text pairs. */
  readonly takesText: (subscription: Subscription) => boolean;
}

/**
 * `POST` to an endpoint (RFC 8030 section 5). The order of the steps: is there such a subscription, does the push say what
 * it has to, may this sender, is the body one; then it is kept, and only then answered.
 */
export async function takePush(request: Request, token: string, deps: PushDoorDeps): Promise<Response> {
  assertMethod(request, 'POST');
  deps.pushes.load.assertRoom();
  const { headers } = request;
  const target = await deps.pushes.open(token);
  const { wantsReceipts, ...wish } = readDeliveryWish(headers);
  const receipts = wantsReceipts ? readReceipts(headers, deps.resources) : null;
  assertSender(target.senderKey, readVapid(headers, deps.origins, deps.clock.now()));
  const body = await readBytes(request, deps.clock, limits.pushBodyBytes);
  const plain = deps.takesText(target.subscription) && !headers.has('content-encoding');
  const encryption = plain ? null : readEncryption(headers, body);
  const kept = await deps.pushes.accept(target, { body, headers: encryption, ...wish, receipts });
  return accepted(kept.version, wish.ttl, receipts, deps.resources);
}

/** The receipts that the sender names (`Push-Receipt`), or ones of their own when it names none. */
function readReceipts(headers: Headers, { names }: Resources): string {
  const named = headers.get('push-receipt');
  if (named === null) return names.makeReceipts();
  const id = names.receipts(/\/receipts\/([^/]+)$/.exec(named.trim())?.[1] ?? '');
  if (id !== undefined) return id;
  const detail = 'Push-Receipt must be an address that this server gave in a Link header.';
  throw new ReveilleError('input-invalid', detail, { location: 'Push-Receipt' });
}

/** 201 with the message's address, or 202 with that of the receipts too (RFC 8030 sections 5 and 5.1). */
function accepted(version: Version, ttl: number, receipts: string | null, resources: Resources): Response {
  const headers: Record<string, string> = {
    Location: resources.messageUrl(version),
    TTL: String(grantedTtl(ttl)),
  };
  if (receipts === null) return pushAnswer(201, null, headers);
  headers.Link = `<${resources.receiptsUrl(receipts)}>; rel="urn:ietf:params:push:receipt"`;
  headers['Preference-Applied'] = 'respond-async';
  return pushAnswer(202, null, headers);
}
