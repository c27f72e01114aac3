import { ReveilleError } from '../../protocol/errors.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock, Random } from '../core/clock.ts';

/** `invited` has no right yet: an account enters a group only by its own yes (decision 0041). */
export type GroupRole = 'owner' | 'member' | 'invited';

export interface Membership {
  readonly group: string;
  readonly name: string;
  readonly role: GroupRole;
}

export interface Member {
  readonly account: string;
  readonly email: string;
  readonly name: string;
  readonly role: GroupRole;
}

export interface GroupEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** E-mail address; null for the server, or an account that is gone. */
  readonly who: string | null;
  readonly event: string;
  readonly detail: string;
}

/** Where what happened is written down; filled by the accounts room. */
export interface AuditTrail {
  record(entry: {
    readonly account: string | null;
    readonly subject: string;
    readonly event: string;
    readonly detail: string;
  }): Promise<void>;
}

export interface GroupsDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly audit: AuditTrail;
  /** Called in the same step in which someone's right to an app ends (OA1). */
  readonly rightsEnded: () => void;
}

/** A group of people, not a mailing list: whoever needs more makes another group. */
const MEMBERS_PER_GROUP = 100;
const GROUPS_PER_ACCOUNT = 50;
const NAME_CHARACTERS = 80;

/** Publisher groups: the accounts that may send for an app together (OW1). */
export class Groups {
  readonly #deps: GroupsDeps;

  constructor(deps: GroupsDeps) {
    this.#deps = deps;
  }

  /** Makes a group with `account` as its owner. @throws `input-invalid` for an empty or overlong name or one group too many. */
  async create(account: string, name: string): Promise<string> {
    const trimmed = nameOf(name);
    const mine = await this.ofAccount(account);
    if (mine.filter(({ role }) => role === 'owner').length >= GROUPS_PER_ACCOUNT)
      throw new ReveilleError('input-invalid', `An account may own at most ${GROUPS_PER_ACCOUNT} groups.`);
    const id = Buffer.from(this.#deps.random(12)).toString('hex');
    await this.#deps.db.transaction().execute(async (tx) => {
      await tx
        .insertInto('publisher_groups')
        .values({ id, name: trimmed, created_at: this.#deps.clock.now() })
        .execute();
      await tx.insertInto('group_members').values({ group: id, account, role: 'owner' }).execute();
    });
    await this.#record(account, id, 'group.created', trimmed);
    return id;
  }

  /** Groups of an account and invitations to it, by name. */
  async ofAccount(account: string): Promise<readonly Membership[]> {
    return await this.#deps.db
      .selectFrom('group_members')
      .innerJoin('publisher_groups', 'publisher_groups.id', 'group_members.group')
      .select(['group_members.group as group', 'publisher_groups.name as name', 'group_members.role as role'])
      .where('group_members.account', '=', account)
      .orderBy('publisher_groups.name')
      .execute();
  }

  /** Is the account in the group now, and able to sign in? */
  async isMember(account: string, group: string): Promise<boolean> {
    const role = await this.roleOf(account, group);
    return role === 'owner' || role === 'member';
  }

  /** The role of an account that is not disabled, or undefined for a stranger. */
  async roleOf(account: string, group: string): Promise<GroupRole | undefined> {
    const row = await this.#deps.db
      .selectFrom('group_members')
      .innerJoin('user', 'user.id', 'group_members.account')
      .select('group_members.role as role')
      .where('group_members.group', '=', group)
      .where('group_members.account', '=', account)
      .where('user.disabled', '=', 0)
      .executeTakeFirst();
    return row?.role;
  }

  /** The group and its members, owners first. @throws `not-found` unless the actor is one of them. */
  async open(
    actor: string,
    group: string,
  ): Promise<{ readonly name: string; readonly members: readonly Member[] }> {
    await this.assertMember(actor, group);
    const found = await this.#deps.db
      .selectFrom('publisher_groups')
      .select('name')
      .where('id', '=', group)
      .executeTakeFirstOrThrow();
    const members = await this.#deps.db
      .selectFrom('group_members')
      .innerJoin('user', 'user.id', 'group_members.account')
      .select([
        'user.id as account',
        'user.email as email',
        'user.name as name',
        'group_members.role as role',
      ])
      .where('group_members.group', '=', group)
      .orderBy('group_members.role', 'desc')
      .orderBy('user.email')
      .execute();
    return { name: found.name, members };
  }

  /** Its name, for everybody who sees what it publishes. */
  async nameFor(group: string): Promise<string> {
    const row = await this.#deps.db
      .selectFrom('publisher_groups')
      .select('name')
      .where('id', '=', group)
      .executeTakeFirstOrThrow();
    return row.name;
  }

  /** @throws `not-found` to a stranger, who so learns nothing of the group. */
  async assertMember(actor: string, group: string): Promise<void> {
    if (!(await this.isMember(actor, group)))
      throw new ReveilleError('not-found', 'There is no such publisher group among yours.');
  }

  /** @throws `not-found` to a stranger, `forbidden` to a member. */
  async assertOwner(actor: string, group: string): Promise<void> {
    await this.assertMember(actor, group);
    if ((await this.roleOf(actor, group)) !== 'owner')
      throw new ReveilleError(
        'forbidden',
        'Only an owner of the publisher group may do this; you are a member.',
      );
  }

  /** Invites the account with this e-mail address. @throws `input-invalid` when there is none, or it is in the group. */
  async invite(actor: string, group: string, email: string): Promise<void> {
    await this.assertOwner(actor, group);
    const address = email.trim().toLowerCase();
    const user = await this.#deps.db
      .selectFrom('user')
      .select('id')
      .where('email', '=', address)
      .executeTakeFirst();
    if (user === undefined)
      throw new ReveilleError(
        'input-invalid',
        `No account here has the address ${address}. Ask its owner to sign up first.`,
      );
    const members = await this.#deps.db
      .selectFrom('group_members')
      .select('account')
      .where('group', '=', group)
      .execute();
    if (members.some(({ account }) => account === user.id))
      throw new ReveilleError('input-invalid', `${address} is in the group or invited.`);
    if (members.length >= MEMBERS_PER_GROUP)
      throw new ReveilleError('input-invalid', `A group has at most ${MEMBERS_PER_GROUP} members.`);
    await this.#deps.db
      .insertInto('group_members')
      .values({ group, account: user.id, role: 'invited' })
      .execute();
    await this.#record(actor, group, 'group.member-invited', address);
  }

  /** The invited account says yes or no. @throws `not-found` when it was not invited. */
  async answer(account: string, group: string, accept: boolean): Promise<void> {
    if ((await this.roleOf(account, group)) !== 'invited')
      throw new ReveilleError('not-found', 'There is no such invitation any more.');
    if (accept) await this.#setRole(group, account, 'member');
    else await this.#drop(group, account);
    await this.#record(
      account,
      group,
      accept ? 'group.invitation-accepted' : 'group.invitation-declined',
      '',
    );
  }

  /** Makes a member an owner or an owner a member. @throws `input-invalid` for the last owner or someone invited. */
  async setRole(actor: string, group: string, account: string, role: 'owner' | 'member'): Promise<void> {
    await this.assertOwner(actor, group);
    const current = await this.roleOf(account, group);
    if (current !== 'owner' && current !== 'member')
      throw new ReveilleError('input-invalid', 'This account is not a member yet.');
    if (role === 'member') await this.#assertNotLastOwner(group, account);
    await this.#setRole(group, account, role);
    await this.#record(actor, group, `group.made-${role}`, account);
  }

  /** Takes an account out of the group: an owner anyone, a member itself. Its right to send ends in the same step. */
  async remove(actor: string, group: string, account: string): Promise<void> {
    if (actor === account) await this.assertMember(actor, group);
    else await this.assertOwner(actor, group);
    await this.#assertNotLastOwner(group, account);
    await this.#drop(group, account);
    await this.#record(actor, group, 'group.member-removed', account);
  }

  /** What happened to the group and its apps, newest first. @throws `not-found` to a stranger. */
  async history(actor: string, group: string, limit: number): Promise<readonly GroupEvent[]> {
    await this.assertMember(actor, group);
    return await this.#deps.db
      .selectFrom('audit')
      .leftJoin('user', 'user.id', 'audit.account')
      .select(['audit.at as at', 'user.email as who', 'audit.event as event', 'audit.detail as detail'])
      .where('audit.subject', '=', group)
      .orderBy('audit.id', 'desc')
      .limit(limit)
      .execute();
  }

  /**
   * An account is gone: it leaves its groups. A group that loses its only owner goes to its first member by address.
   * Answers the groups that are empty, whose apps have nobody left.
   */
  async accountRemoved(account: string): Promise<readonly string[]> {
    const left: string[] = [];
    for (const { group } of await this.ofAccount(account)) {
      await this.#drop(group, account);
      const rest = await this.#deps.db
        .selectFrom('group_members')
        .selectAll()
        .where('group', '=', group)
        .orderBy('account')
        .execute();
      const heir = rest.find(({ role }) => role === 'member');
      if (rest.some(({ role }) => role === 'owner')) continue;
      if (heir === undefined) left.push(group);
      else await this.#setRole(group, heir.account, 'owner');
    }
    return left;
  }

  async #assertNotLastOwner(group: string, account: string): Promise<void> {
    const owners = await this.#deps.db
      .selectFrom('group_members')
      .select('account')
      .where('group', '=', group)
      .where('role', '=', 'owner')
      .execute();
    if (owners.length === 1 && owners[0]?.account === account)
      throw new ReveilleError(
        'input-invalid',
        'A group keeps at least one owner: make someone else an owner first.',
      );
  }

  async #setRole(group: string, account: string, role: GroupRole): Promise<void> {
    await this.#deps.db
      .updateTable('group_members')
      .set({ role })
      .where('group', '=', group)
      .where('account', '=', account)
      .execute();
    this.#deps.rightsEnded();
  }

  async #drop(group: string, account: string): Promise<void> {
    await this.#deps.db
      .deleteFrom('group_members')
      .where('group', '=', group)
      .where('account', '=', account)
      .execute();
    this.#deps.rightsEnded();
  }

  #record(account: string, group: string, event: string, detail: string): Promise<void> {
    return this.#deps.audit.record({ account, subject: group, event, detail });
  }
}

/** A name for people: trimmed, one line, 1 to 80 characters. @throws `input-invalid`. */
export function nameOf(text: string): string {
  const name = text.replace(/\s+/g, ' ').trim();
  if (name === '' || name.length > NAME_CHARACTERS)
    throw new ReveilleError('input-invalid', `Give a name of 1 to ${NAME_CHARACTERS} characters.`, {
      location: 'name',
    });
  return name;
}
