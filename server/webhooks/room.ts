import { limits } from '../../protocol/limits.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Bus } from '../core/bus.ts';
import type { Random } from '../core/clock.ts';
import type { NodeId } from '../core/presence.ts';
import type { Followers } from '../core/receipts.ts';
import type { Store } from '../core/store.ts';
import { httpsPost } from '../outgoing/https-post.ts';
import { Deliverer, type DelivererDeps } from './deliverer.ts';
import { deliveryOf, Followed, type FollowedDeps } from './followed.ts';
import { DeliveryQueue } from './queue.ts';
import type { EventType } from './webhook.ts';
import { Webhooks, type WebhooksDeps } from './webhooks.ts';

export interface WebhooksRoomDeps extends Pick<FollowedDeps, 'db' | 'moves' | 'clock'> {
  readonly events: DelivererDeps['events'];
  readonly store: Store;
  readonly bus: Bus;
  readonly node: NodeId;
  readonly secrets: Secrets;
  readonly random: Random;
  readonly access: WebhooksDeps['access'];
  /** True lets webhooks have addresses that only this machine or its network reach. */
  readonly privateAddresses: boolean;
  /** Another authority than the system's, in PEM. */
  readonly ca?: string;
}

export interface WebhooksRoom {
  readonly webhooks: Webhooks;
  readonly followers: Followers;
  /**
   * Tells the webhooks of a project that chose `type`. Settles when that is on disk.
   * @param name of what happened: the same one is told once.
   */
  tellProject(project: string, type: EventType, name: string, data: object): Promise<void>;
  /** What waits to be told, and since when: milliseconds since 1970. */
  backlog: DeliveryQueue['backlog'];
  /** Begins to tell; what was left from before comes first. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Opens the room. */
export function openWebhooks(deps: WebhooksRoomDeps): WebhooksRoom {
  const { clock, events, bus, node, ca, privateAddresses } = deps;
  const { post, close } = httpsPost({ privateAddresses }, ca, limits.webhookAnswerMs);
  const queue = new DeliveryQueue(deps);
  const deliverer = new Deliverer({ ...deps, queue, post });
  const shared = { ...deps, queue, kick: () => deliverer.kick() };
  const webhooks = new Webhooks(shared);
  const followed = new Followed({ ...shared, webhooks });
  const failed = (error: unknown) => events.failed('webhooks', error);
  const stopListening = bus.onAnnounce(node, (said) => {
    if (said.kind === 'ended') followed.left(said.devices).catch(failed);
  });
  let stopTimer = (): void => {};
  const prune = () => {
    queue.prune().catch(failed);
    stopTimer = clock.after(limits.webhookPruneMs, prune);
  };
  return {
    webhooks,
    followers: followed,
    async tellProject(project, type, name, data) {
      const told = webhooks.toldOf({ project, app: '', asked: true, type });
      const at = clock.now();
      await queue.add(told.map(({ id }) => deliveryOf(id, type, `${type} ${name}`, at, data)));
      deliverer.kick();
    },
    backlog: () => queue.backlog(),
    async start() {
      await webhooks.refresh();
      await followed.start();
      prune();
      deliverer.kick();
    },
    async stop() {
      stopTimer();
      stopListening();
      close();
      await followed.stop();
      await deliverer.stop();
    },
  };
}
