import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { AppOwners, OwnedApp, SubchannelNames } from '../core/app-owners.ts';
import type { Clock } from '../core/clock.ts';
import type { Sender, Senders } from '../core/sender.ts';
import { bounds } from './bounds.ts';
import { scopesOf } from './scopes.ts';
import { hashOf, isAccessToken } from './token-shapes.ts';

export interface SendersDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly owners: AppOwners;
  /** Messages a day of a project that has no limit of its own; 0 = none. */
  readonly dailyQuota: number;
  /** How many tokens are remembered at most. */
  readonly remembered?: number;
}

/** What is remembered of one token, beside its sender. */
interface Remembered {
  readonly sender: Sender;
  readonly expiresAt: number;
  readonly enabled: boolean;
  /** Apps that were found to be the account's, whether proven, and the names of its subchannels. Only a yes is kept: a right that was gained is felt at once. */
  readonly owned: Map<AppId, Pick<OwnedApp, 'proven' | 'subchannelNames'>>;
}

/** The port to rights, filled, and the one way to make it forget. */
export interface RememberingSenders extends Senders {
  /**
   * A right has ended, or a limit has changed: everything remembered is dropped before this returns, and nothing that was
   * being looked up meanwhile is kept. Rights end rarely; to drop all of it can miss none.
   */
  rightsEnded(): void;
  /**
   * Like `rightsEnded`, and no token is answered until `ending` has settled: for ends that need the database to be felt.
   */
  rightsEnding(ending: Promise<unknown>): void;
}

/**
 * Who calls with an access token, and what they may do.
 *
 * A token seen before is answered from memory: one SHA-256 and one look into a map, without the database. Three things
 * keep that honest. An entry ends with its token. Whatever ends a right calls `rightsEnded` once its change is kept. And
 * each look-up notes the `#era` in which it began: one that began before a right ended may have read the old state, so
 * its result is used for that one call and not remembered.
 */
export function createSenders(deps: SendersDeps): RememberingSenders {
  return new TokenSenders(deps);
}

class TokenSenders implements RememberingSenders {
  readonly #deps: SendersDeps;
  #era = 0;
  #byHash = new Map<string, Remembered>();
  #bySender = new WeakMap<Sender, Remembered>();
  readonly #ending = new Set<Promise<unknown>>();

  constructor(deps: SendersDeps) {
    this.#deps = deps;
  }

  rightsEnded(): void {
    this.#era += 1;
    this.#byHash = new Map();
    this.#bySender = new WeakMap();
  }

  rightsEnding(ending: Promise<unknown>): void {
    this.rightsEnded();
    this.#ending.add(ending);
    const settled = (): void => {
      this.#ending.delete(ending);
      this.rightsEnded();
    };
    ending.then(settled, settled);
  }

  identify(accessToken: string): Sender | Promise<Sender> {
    if (!isAccessToken(accessToken)) throw new ReveilleError('token-invalid');
    const hash = hashOf(accessToken);
    const remembered = this.#byHash.get(hash);
    if (remembered === undefined) return this.#lookUp(hash);
    if (remembered.expiresAt > this.#deps.clock.now()) return remembered.sender;
    this.#byHash.delete(hash);
    throw new ReveilleError('token-invalid');
  }

  assertEnabled(sender: Sender): void | Promise<void> {
    const remembered = this.#bySender.get(sender);
    if (remembered === undefined) return this.#assertEnabledNow(sender);
    if (!remembered.enabled) throw new ReveilleError('api-off');
  }

  assertOwns(sender: Sender, app: AppId): void | Promise<void> {
    if (this.#bySender.get(sender)?.owned.has(app)) return;
    return this.#assertOwnsNow(sender, app);
  }

  assertMayReach(sender: Sender, app: AppId, user: string): void | Promise<void> {
    if (this.#bySender.get(sender)?.owned.get(app)?.proven) return;
    return this.#assertMayReachNow(app, user);
  }

  async #assertMayReachNow(app: AppId, user: string): Promise<void> {
    const found = await this.#deps.owners.find(app);
    if (found === undefined) throw new ReveilleError('app-not-owned', `No app ${app} is registered here.`);
    if (!found.proven && !(await this.#deps.owners.isMember(user, found.group)))
      throw new ReveilleError('app-unproven');
  }

  subchannelNames(sender: Sender, app: AppId): SubchannelNames | Promise<SubchannelNames> {
    return this.#bySender.get(sender)?.owned.get(app)?.subchannelNames ?? this.#subchannelNamesNow(app);
  }

  async #subchannelNamesNow(app: AppId): Promise<SubchannelNames> {
    return (await this.#deps.owners.find(app))?.subchannelNames ?? new Map();
  }

  async ownedApps(sender: Sender): Promise<readonly AppId[]> {
    return (await this.#deps.owners.appsOf(sender.account)).map(({ id }) => id);
  }

  async #lookUp(hash: string): Promise<Sender> {
    while (this.#ending.size > 0) await Promise.allSettled(this.#ending);
    const era = this.#era;
    const found = await this.#read(hash);
    if (found === undefined || found.expiresAt <= this.#deps.clock.now())
      throw new ReveilleError('token-invalid');
    if (era === this.#era) this.#remember(hash, found);
    return found.sender;
  }

  #remember(hash: string, found: Remembered): void {
    this.#byHash.set(hash, found);
    this.#bySender.set(found.sender, found);
    if (this.#byHash.size <= (this.#deps.remembered ?? bounds.rememberedTokens)) return;
    for (const oldest of this.#byHash.keys()) {
      this.#byHash.delete(oldest);
      return;
    }
  }

  /** The token and every ground that it rests on; undefined when one of them has gone. */
  async #read(hash: string): Promise<Remembered | undefined> {
    const row = await this.#deps.db
      .selectFrom('access_tokens')
      .innerJoin('grants', 'grants.id', 'access_tokens.grant')
      .innerJoin('user', 'user.id', 'grants.account')
      .leftJoin('clients', 'clients.id', 'grants.client')
      .leftJoin('projects', 'projects.id', 'clients.project')
      .where('access_tokens.hash', '=', hash)
      .where('grants.ended_at', 'is', null)
      .where('user.disabled', '=', 0)
      .select(['grants.account', 'grants.client', 'grants.scope', 'clients.project'])
      .select(['access_tokens.expires_at', 'access_tokens.sign_in'])
      .select(['projects.messaging_enabled', 'projects.daily_quota', 'projects.payload_bytes'])
      .select(['projects.daily_targets', 'projects.subchannels'])
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const app = isAppId(row.client) ? await this.#deps.owners.find(row.client) : undefined;
    if (row.project === null && app === undefined) return undefined;
    const sender: Sender = {
      account: row.account,
      client: row.client,
      project: row.project,
      scopes: new Set(scopesOf(row.scope)),
      signIn: row.sign_in,
      dailyQuota: row.daily_quota ?? this.#deps.dailyQuota,
      payloadBytes: row.payload_bytes ?? limits.payloadBytes,
      dailyTargets: row.daily_targets ?? limits.dailyTargets,
      subchannels: row.subchannels ?? limits.subchannels,
    };
    // An app's own client belongs to no project: there is no switch that could be off for it.
    const enabled = row.project === null || row.messaging_enabled === 1;
    return { sender, expiresAt: row.expires_at, enabled, owned: new Map() };
  }

  async #assertEnabledNow(sender: Sender): Promise<void> {
    if (sender.project === null) return;
    const project = await this.#deps.db
      .selectFrom('projects')
      .select('messaging_enabled')
      .where('id', '=', sender.project)
      .executeTakeFirst();
    if (project?.messaging_enabled !== 1) throw new ReveilleError('api-off');
  }

  async #assertOwnsNow(sender: Sender, app: AppId): Promise<void> {
    const remembered = this.#bySender.get(sender);
    const found = await this.#deps.owners.find(app);
    if (found === undefined) throw new ReveilleError('app-not-owned', `No app ${app} is registered here.`);
    if (!(await this.#deps.owners.isMember(sender.account, found.group))) {
      throw new ReveilleError('app-not-owned', 'The account is not in the publisher group of the app.');
    }
    // When a right ended meanwhile, `remembered` is of an era that nobody looks into any more.
    if (remembered !== undefined && remembered.owned.size < bounds.rememberedAppsPerToken)
      remembered.owned.set(app, { proven: found.proven, subchannelNames: found.subchannelNames });
  }
}
