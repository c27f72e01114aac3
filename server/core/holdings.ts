import type { Events } from '../observe/events.ts';
import type { Bus } from './bus.ts';
import type { Deliveries } from './deliver.ts';
import type { Outbox } from './outbox.ts';
import type { Recipient } from './recipient.ts';
import type { HolderId, Subscription, SubscriptionStore } from './subscription.ts';

/** What a gateway's session does with each subscription that it holds. */
export type RecipientFor = (subscription: Subscription) => Recipient;

/**
 * One connection that stands for many subscriptions: a browser's push client. Each subscription has an outbox of its own;
 * those made while the browser is connected join at once.
 */
export class Hold {
  readonly holder: HolderId;
  readonly #deliveries: Deliveries;
  readonly #recipientFor: RecipientFor;
  readonly #replaced: () => void;
  readonly #outboxes = new Map<string, Outbox>();
  #open = true;

  constructor(holder: HolderId, deliveries: Deliveries, recipientFor: RecipientFor, replaced: () => void) {
    this.holder = holder;
    this.#deliveries = deliveries;
    this.#recipientFor = recipientFor;
    this.#replaced = replaced;
  }

  /** The outbox of one of its subscriptions, by name. */
  outbox(name: string): Outbox | undefined {
    return this.#outboxes.get(name);
  }

  attach(subscription: Subscription): void {
    if (!this.#open || this.#outboxes.has(subscription.name)) return;
    this.#outboxes.set(
      subscription.name,
      this.#deliveries.connect(subscription, this.#recipientFor(subscription)),
    );
  }

  /** The subscription ended: nothing more is offered for it. */
  async detach(name: string): Promise<void> {
    const outbox = this.#outboxes.get(name);
    this.#outboxes.delete(name);
    if (outbox !== undefined) await this.#deliveries.disconnect(outbox);
  }

  /** The connection can take more again. */
  drained(): void {
    for (const outbox of this.#outboxes.values()) outbox.drained();
  }

  /** A newer connection of the same browser is here. */
  async replace(): Promise<void> {
    this.#replaced();
    await this.close();
  }

  async close(): Promise<void> {
    this.#open = false;
    await Promise.all([...this.#outboxes.keys()].map((name) => this.detach(name)));
  }
}

/** Which browsers are connected to this node for their subscriptions. A newer connection of a holder ends the older one. */
export class Holdings {
  readonly #store: SubscriptionStore;
  readonly #deliveries: Deliveries;
  readonly #holds = new Map<HolderId, Hold>();

  constructor(deps: {
    readonly store: SubscriptionStore;
    readonly deliveries: Deliveries;
    readonly bus: Bus;
    readonly events: Events;
  }) {
    this.#store = deps.store;
    this.#deliveries = deps.deliveries;
    deps.bus.onAnnounce(deps.deliveries.node, (announcement) => {
      if (announcement.kind === 'subscribed')
        this.#holds.get(announcement.subscription.holder)?.attach(announcement.subscription);
      if (announcement.kind === 'unsubscribed')
        void this.#holds.get(announcement.holder)?.detach(announcement.name);
    });
  }

  /**
   * A browser has connected and proved who it is. Its subscriptions' outboxes offer what waits from here on. The older
   * connection of the same browser loses its outboxes and is told so.
   * @param replaced called when a newer connection of the holder takes over, also when it has no subscription at all.
   */
  async hold(holder: HolderId, recipientFor: RecipientFor, replaced: () => void = () => {}): Promise<Hold> {
    const older = this.#holds.get(holder);
    const hold = new Hold(holder, this.#deliveries, recipientFor, replaced);
    // Registered first: a subscription made while the store is read is announced to us.
    this.#holds.set(holder, hold);
    try {
      await older?.replace();
      for (const subscription of await this.#store.subscriptionsOf(holder)) hold.attach(subscription);
      await this.#store.heldNow(holder);
    } catch (error) {
      await this.release(hold);
      throw error;
    }
    return hold;
  }

  /** The connection is gone. */
  async release(hold: Hold): Promise<void> {
    if (this.#holds.get(hold.holder) === hold) this.#holds.delete(hold.holder);
    await hold.close();
  }

  isHeld(holder: HolderId): boolean {
    return this.#holds.has(holder);
  }
}
