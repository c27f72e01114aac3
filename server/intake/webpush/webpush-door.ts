import { asReveilleError, ReveilleError } from '../../../protocol/errors.ts';
import type { Bus } from '../../core/bus.ts';
import type { Clock, Random } from '../../core/clock.ts';
import type { Deliveries } from '../../core/deliver.ts';
import type { Pushes } from '../../core/push.ts';
import type { MessageStore } from '../../core/store.ts';
import { type Door, plainPath } from '../../doors/door.ts';
import type { Refusals } from '../../doors/refusals.ts';
import type { Events } from '../../observe/events.ts';
import { pushError, pushPreflight } from './answers.ts';
import { takeMessage } from './message-door.ts';
import { readPushPath } from './paths.ts';
import { type PushDoorDeps, takePush } from './push-door.ts';
import { ReceiptsDoor } from './receipts-door.ts';
import { type NameKeys, ResourceNames } from './resource-names.ts';
import { Resources } from './resources.ts';

export { isPushPath } from './paths.ts';

/**
 * Hosts in front of which Chromium pastes our tokens. A sender that replaces only the host of a request signs for the host
 * that it was given, so these count as ours in `aud`.
 */
const CHROMIUM_ORIGINS = ['https://fcm.googleapis.com', 'https://jmt17.google.com'];

const METHODS = { push: 'POST', message: 'GET, DELETE', receipts: 'GET' } as const;

export interface WebpushDoorDeps {
  readonly pushes: Pick<Pushes, 'open' | 'accept' | 'load' | 'withdraw'>;
  readonly store: Pick<MessageStore, 'traced' | 'trace'>;
  readonly keys: NameKeys;
  /** Where others reach this server: in the addresses that are handed out, and what `aud` must name. */
  readonly origin: string;
  /** Further origins that `aud` may name. */
  readonly alsoOrigins: readonly string[];
  /** Where and how this node hears of pushes that were delivered. */
  readonly bus: Pick<Bus, 'onAnnounce'>;
  readonly deliveries: Pick<Deliveries, 'node'>;
  readonly takesText: PushDoorDeps['takesText'];
  readonly refusals: Refusals;
  readonly random: Random;
  readonly clock: Clock;
  readonly events: Events;
}

/** The doors of standard web push (RFC 8030): endpoints, messages, receipts. */
export function webpushDoor(deps: WebpushDoorDeps): Door {
  const { clock, events, store } = deps;
  const resources = new Resources(deps.origin, new ResourceNames(deps.keys, deps.random));
  const origins = new Set([deps.origin, ...deps.alsoOrigins, ...CHROMIUM_ORIGINS]);
  const parts = { ...deps, resources, origins };
  const receipts = new ReceiptsDoor({
    ...{ store, resources, clock, bus: deps.bus, node: deps.deliveries.node },
    failed: (error) => events.failed('receipts', error),
  });
  return async (request, url, peer) => {
    try {
      const path = readPushPath(plainPath(url.pathname));
      if (path === undefined) throw new ReveilleError('endpoint-unknown', 'The address is incomplete.');
      if (request.method === 'OPTIONS') return pushPreflight(METHODS[path.kind]);
      if (path.kind === 'push') return await takePush(request, path.token, parts);
      if (path.kind === 'message') return await takeMessage(request, path.name, parts);
      return await receipts.take(request, path.name);
    } catch (thrown) {
      const error = counted(asReveilleError(thrown), deps.refusals, peer.address);
      if (error.code === 'internal') events.failed('webpush', error.cause ?? error);
      else events.refused('webpush', error.code, error.detail, peer.address);
      return pushError(error);
    }
  };
}

/** "Gone" is what a sender has to learn of every single endpoint: told to wait instead, it would only ask again. */
function counted(error: ReveilleError, refusals: Refusals, address: string): ReveilleError {
  return error.code === 'endpoint-gone' ? error : refusals.count(error, address, undefined);
}
