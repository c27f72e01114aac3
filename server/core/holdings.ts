import type { Events } from '../observe/events.ts';
import type { Bus } from './bus.ts';
import type { Deliveries } from './deliver.ts';
import type { Outbox } from './outbox.ts';
import type { Recipient } from './recipient.ts';
import type { HolderId, Subscription, SubscriptionStore } from './subscription.ts';

/** A gateway's session that stands for subscriptions. It is handed over as it is, so a hold costs no functions of its own. */
export interface Holding {
  recipientFor(subscription: Subscription): Recipient;
  /** A newer connection of the holder took over; called also when it has no subscription at all. */
  replaced(): void;
}

/**
 * One connection that stands for many subscriptions: a browser's push client. Each subscription has an outbox of its own;
 * those made while the browser is connected join at once.
 */
export class Hold {
  readonly holder: HolderId;
  readonly #deliveries: Deliveries;
  readonly #session: Holding;
  readonly #outboxes = new Map<string, Outbox>();
  #open = true;

  constructor(holder: HolderId, deliveries: Deliveries, session: Holding) {
    this.holder = holder;
    this.#deliveries = deliveries;
    this.#session = session;
  }

  /** The outbox of one of its subscriptions, by name. */
  outbox(name: string): Outbox | undefined {
    return this.#outboxes.get(name);
  }

  attach(subscription: Subscription): void {
    if (!this.#open || this.#outboxes.has(subscription.name)) return;
    this.#outboxes.set(
      subscription.name,
      this.#deliveries.connect(subscription, this.#session.recipientFor(subscription)),
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
    this.#session.replaced();
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
   */
  async hold(holder: HolderId, session: Holding): Promise<Hold> {
    const older = this.#holds.get(holder);
    const hold = new Hold(holder, this.#deliveries, session);
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
