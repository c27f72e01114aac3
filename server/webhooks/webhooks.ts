import type { AppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock, Random } from '../core/clock.ts';
import { SECRET_PURPOSE } from './deliverer.ts';
import type { DeliveryQueue } from './queue.ts';
import { makeSecret } from './sign.ts';
import { checkedTarget, type EventType, type Owner, type ShownDelivery, type Webhook } from './webhook.ts';

/** Who acts: an account of this server. */
export interface Actor {
  readonly id: string;
  readonly role: 'administrator' | 'user';
}

/** Form fields, unchecked. */
export interface WantedTarget {
  readonly url: string;
  readonly events: readonly string[];
  readonly all: boolean;
}

export interface WebhooksDeps {
  readonly db: ControlDatabase;
  readonly queue: DeliveryQueue;
  readonly secrets: Pick<Secrets, 'seal' | 'open'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Something may be due. */
  readonly kick: () => void;
  /**
   * Asks whether an account may see or change the webhooks of a project or an app. Answers the group that owns the app.
   * @throws `not-found` to a stranger, `forbidden` to a member whose role does not reach.
   */
  readonly access: (actor: Actor, owner: Owner, to: 'see' | 'change') => Promise<string | null>;
}

/** Which webhooks are told of something. */
export interface Told {
  readonly project: string | null;
  readonly app: string;
  /** The sender of the message asked for it. */
  readonly asked: boolean;
  /** undefined = anything that becomes of a message. */
  readonly type?: EventType;
}

const isOfMessages = (type: EventType): boolean => type.startsWith('message.');

/** Webhooks: who names them, which are told of what. Those that are switched on are held in memory. */
export class Webhooks {
  readonly #deps: WebhooksDeps;
  #live: readonly Webhook[] = [];

  constructor(deps: WebhooksDeps) {
    this.#deps = deps;
  }

  /** Reads again which webhooks there are. */
  async refresh(): Promise<void> {
    const rows = await this.#all().where('disabled_at', 'is', null).execute();
    this.#live = rows.map(webhookOf);
  }

  /** The webhooks that are told of something. From memory; the queue passes over those that are gone by now. */
  toldOf({ project, app, asked, type }: Told): readonly Webhook[] {
    return this.#live.filter(
      ({ owner, all, events }) =>
        owner.id === (owner.kind === 'app' ? app : project) &&
        (all || asked) &&
        (type === undefined ? events.some(isOfMessages) : events.includes(type)),
    );
  }

  followsAll(project: string, app: AppId): boolean {
    return this.#live.length > 0 && this.toldOf({ project, app, asked: false }).length > 0;
  }

  /** The webhooks of a project or an app, oldest first. */
  async list(actor: Actor, owner: Owner): Promise<readonly Webhook[]> {
    await this.#deps.access(actor, owner, 'see');
    const rows = await this.#all()
      .where(owner.kind, '=', owner.id)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return rows.map(webhookOf);
  }

  /** May the actor change the webhooks of a project or an app? */
  async mayChange(actor: Actor, owner: Owner): Promise<boolean> {
    return await this.#deps.access(actor, owner, 'change').then(
      () => true,
      () => false,
    );
  }

  /** Makes one. @throws `input-invalid` with what is wrong, also when there are enough of them. */
  async create(actor: Actor, owner: Owner, wanted: WantedTarget): Promise<Webhook> {
    const group = await this.#deps.access(actor, owner, 'change');
    const { url, events, all } = checkedTarget(wanted);
    if ((await this.list(actor, owner)).length >= limits.webhooksEach)
      throw new ReveilleError(
        'input-invalid',
        `A project or an app has at most ${limits.webhooksEach} webhooks.`,
      );
    const id = Buffer.from(this.#deps.random(15)).toString('base64url');
    await this.#deps.db
      .insertInto('webhooks')
      .values({
        id,
        project: owner.kind === 'project' ? owner.id : null,
        app: owner.kind === 'app' ? owner.id : null,
        app_group: group,
        url,
        secret_sealed: this.#freshSecret(),
        events: JSON.stringify(events),
        all_messages: all ? 1 : 0,
        created_at: this.#deps.clock.now(),
        dropped: 0,
      })
      .execute();
    const made = await this.get(actor, id);
    await this.#changed(actor, made, 'webhook.created');
    return made;
  }

  /** @throws `not-found`, as for a stranger. */
  async get(actor: Actor, id: string): Promise<Webhook> {
    const row = await this.#all().where('webhooks.id', '=', id).executeTakeFirst();
    if (row === undefined) throw new ReveilleError('not-found', 'There is no such webhook.');
    const webhook = webhookOf(row);
    await this.#deps.access(actor, webhook.owner, 'see');
    return webhook;
  }

  /** How many events wait, and the newest ones with what was answered last. */
  async deliveries(
    actor: Actor,
    id: string,
  ): Promise<{ readonly waiting: number; readonly recent: readonly ShownDelivery[] }> {
    await this.get(actor, id);
    const { queue } = this.#deps;
    return {
      waiting: await queue.waiting(id),
      recent: await queue.recent(id, limits.webhookDeliveriesShown),
    };
  }

  async update(actor: Actor, id: string, wanted: WantedTarget): Promise<void> {
    const webhook = await this.#own(actor, id);
    const { url, events, all } = checkedTarget(wanted);
    const columns = { url, events: JSON.stringify(events), all_messages: all ? 1 : 0 };
    await this.#deps.db.updateTable('webhooks').set(columns).where('id', '=', id).execute();
    await this.#changed(actor, { ...webhook, url }, 'webhook.changed');
  }

  /** The secret in clear: for the page that shows it right after it was made. */
  async secretOf(actor: Actor, id: string): Promise<string> {
    await this.#own(actor, id);
    const { secret_sealed } = await this.#deps.db
      .selectFrom('webhooks')
      .select('secret_sealed')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return this.#deps.secrets.open(SECRET_PURPOSE, secret_sealed);
  }

  /** A fresh secret; calls are signed with it from now on. */
  async renewSecret(actor: Actor, id: string): Promise<void> {
    const webhook = await this.#own(actor, id);
    const secret_sealed = this.#freshSecret();
    await this.#deps.db.updateTable('webhooks').set({ secret_sealed }).where('id', '=', id).execute();
    await this.#changed(actor, webhook, 'webhook.secret-renewed');
  }

  /** Switches one on again that was switched off; what waits for it goes on. */
  async enable(actor: Actor, id: string): Promise<void> {
    const webhook = await this.#own(actor, id);
    await this.#deps.db
      .updateTable('webhooks')
      .set({ disabled_at: null, disabled_why: null, failing_since: null })
      .where('id', '=', id)
      .execute();
    await this.#changed(actor, webhook, 'webhook.enabled');
    this.#deps.kick();
  }

  async remove(actor: Actor, id: string): Promise<void> {
    const webhook = await this.#own(actor, id);
    await this.#deps.db.deleteFrom('webhooks').where('id', '=', id).execute();
    await this.#changed(actor, webhook, 'webhook.removed');
  }

  /** Sends an event that says only that it is a test. */
  async test(actor: Actor, id: string): Promise<void> {
    await this.#own(actor, id);
    const { clock, random, queue, kick } = this.#deps;
    const timestamp = new Date(clock.now()).toISOString();
    const body = JSON.stringify({ type: 'webhook.test', timestamp, data: { webhook: id } });
    const delivery = `msg_${Buffer.from(random(15)).toString('base64url')}`;
    await queue.add([{ id: delivery, webhook: id, type: 'webhook.test', body }]);
    kick();
  }

  #all() {
    return this.#deps.db
      .selectFrom('webhooks')
      .leftJoin('apps', 'apps.id', 'webhooks.app')
      .selectAll('webhooks')
      .where(({ or, eb }) => or([eb('app', 'is', null), eb('apps.group', '=', eb.ref('app_group'))]));
  }

  #freshSecret(): string {
    return this.#deps.secrets.seal(SECRET_PURPOSE, makeSecret(this.#deps.random(32)));
  }

  async #own(actor: Actor, id: string): Promise<Webhook> {
    const webhook = await this.get(actor, id);
    await this.#deps.access(actor, webhook.owner, 'change');
    return webhook;
  }

  async #changed(actor: Actor, { owner, url }: Webhook, event: string): Promise<void> {
    await this.refresh();
    const detail = new URL(url).host;
    // What is done to an app stands in the history of its group.
    const subject = (await this.#deps.access(actor, owner, 'see')) ?? owner.id;
    await audit(this.#deps.db, this.#deps.clock).record({
      account: actor.id,
      subject,
      event,
      detail,
    });
  }
}

interface WebhookRow {
  readonly id: string;
  readonly project: string | null;
  readonly app: string | null;
  readonly url: string;
  readonly events: string;
  readonly all_messages: number;
  readonly created_at: number;
  readonly disabled_at: number | null;
  readonly disabled_why: string | null;
  readonly failing_since: number | null;
  readonly dropped: number;
}

const webhookOf = (row: WebhookRow): Webhook => ({
  id: row.id,
  owner: row.project === null ? { kind: 'app', id: row.app ?? '' } : { kind: 'project', id: row.project },
  url: row.url,
  events: JSON.parse(row.events),
  all: row.all_messages === 1,
  createdAt: row.created_at,
  disabled: row.disabled_at === null ? null : { at: row.disabled_at, why: row.disabled_why ?? '' },
  failingSince: row.failing_since,
  dropped: row.dropped,
});
