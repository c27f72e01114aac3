import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock, Random } from '../core/clock.ts';
import { bounds } from './bounds.ts';
import { endGrants, endPendingCodes } from './ended.ts';
import type { Actor, Projects } from './projects.ts';
import { byRank, type ProjectRole } from './roles.ts';

export interface TeamMember {
  readonly account: string;
  readonly email: string;
  readonly name: string;
  readonly role: ProjectRole;
}

/** An invitation as the owners see it: whether anybody has the address is not in it. */
export interface TeamInvitation {
  readonly id: string;
  readonly email: string;
  readonly role: ProjectRole;
  readonly expiresAt: number;
}

/** An invitation as the one sees it who is invited. */
export interface OpenInvitation {
  readonly project: string;
  readonly name: string;
  readonly role: ProjectRole;
}

/** One entry of a project's audit log. */
export interface ProjectEvent {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The address of an account that is there still, else words for who it was. */
  readonly who: string;
  readonly event: string;
  readonly detail: string;
}

export interface TeamDeps {
  readonly db: ControlDatabase;
  readonly clock: Clock;
  readonly random: Random;
  readonly projects: Projects;
  readonly rightsEnded: () => void;
}

/**
 * Who looks after a project. Nobody enters it without its own yes (decision 0041), and an invitation looks the same whether or not
 * the address has an account: the owner of a project learns who is here only when that one has joined.
 */
export class Team {
  readonly #deps: TeamDeps;

  constructor(deps: TeamDeps) {
    this.#deps = deps;
  }

  /** The members, owners first. */
  async members(actor: Actor, project: string): Promise<readonly TeamMember[]> {
    await this.#deps.projects.assertMay(actor, project, 'look');
    return await this.#members(project);
  }

  /** Where to write to the owners, at most limits.ownersWarned. Not for the eyes of others: nobody is asked who may see it. */
  async ownerAddresses(project: string): Promise<readonly string[]> {
    const rows = await this.#deps.db
      .selectFrom('project_members')
      .innerJoin('user', 'user.id', 'project_members.account')
      .select('email')
      .where('project', '=', project)
      .where('project_members.role', '=', 'owner')
      .where('disabled', '=', 0)
      .orderBy('email')
      .limit(limits.ownersWarned)
      .execute();
    return rows.map(({ email }) => email);
  }

  /** Invitations that wait for an answer, by address. */
  async invitations(actor: Actor, project: string): Promise<readonly TeamInvitation[]> {
    await this.#deps.projects.assertMay(actor, project, 'look');
    const rows = await this.#deps.db
      .selectFrom('project_invitations')
      .select(['id', 'email', 'role', 'expires_at'])
      .where('project', '=', project)
      .where('expires_at', '>', this.#deps.clock.now())
      .orderBy('email')
      .execute();
    return rows.map(({ id, email, role, expires_at }) => ({ id, email, role, expiresAt: expires_at }));
  }

  /** Projects that have invited the account. */
  async invitationsOf(account: string): Promise<readonly OpenInvitation[]> {
    return await this.#deps.db
      .selectFrom('project_invitations as invitation')
      .innerJoin('projects', 'projects.id', 'invitation.project')
      .select(['projects.id as project', 'projects.name as name', 'invitation.role as role'])
      .where('invitation.account', '=', account)
      .where('invitation.expires_at', '>', this.#deps.clock.now())
      .orderBy('projects.name')
      .execute();
  }

  /**
   * Invites whoever has this address now; a second invitation takes the place of the first. An address without an account is
   * taken all the same, and nobody can answer: an account made later has not shown that the address is its own.
   * @throws `input-invalid` for what is no address, a member, or one too many
   */
  async invite(actor: Actor, project: string, email: string, role: ProjectRole): Promise<void> {
    const { db, clock, random, projects } = this.#deps;
    await projects.assertMay(actor, project, 'change-team');
    const address = checkedAddress(email);
    const members = await this.#members(project);
    if (members.some((member) => member.email === address))
      throw new ReveilleError(
        'input-invalid',
        `${address} is a member already: change its role in the list.`,
      );
    if (members.length >= bounds.membersPerProject)
      throw new ReveilleError('input-invalid', `A project has at most ${bounds.membersPerProject} members.`);
    const waiting = (await this.invitations(actor, project)).filter((one) => one.email !== address);
    if (waiting.length >= bounds.invitationsPerProject)
      throw new ReveilleError(
        'input-invalid',
        `At most ${bounds.invitationsPerProject} invitations wait at a time: take one back first.`,
      );
    const user = await db.selectFrom('user').select('id').where('email', '=', address).executeTakeFirst();
    await db.transaction().execute(async (trx) => {
      await trx
        .deleteFrom('project_invitations')
        .where('project', '=', project)
        .where((is) => is.or([is('email', '=', address), is('expires_at', '<=', clock.now())]))
        .execute();
      await trx
        .insertInto('project_invitations')
        .values({
          id: Buffer.from(random(12)).toString('hex'),
          project,
          email: address,
          account: user?.id ?? null,
          role,
          invited_by: actor.id,
          expires_at: clock.now() + bounds.invitationMs,
        })
        .execute();
      await this.#note(trx, actor, project, 'project.member-invited', `${address} ${role}`);
    });
  }

  /** Takes an invitation back. */
  async withdraw(actor: Actor, project: string, invitation: string): Promise<void> {
    await this.#deps.projects.assertMay(actor, project, 'change-team');
    await this.#deps.db.transaction().execute(async (trx) => {
      const gone = await trx
        .deleteFrom('project_invitations')
        .where('project', '=', project)
        .where('id', '=', invitation)
        .returning('email')
        .executeTakeFirst();
      if (gone === undefined) throw new ReveilleError('not-found', 'There is no such invitation any more.');
      await this.#note(trx, actor, project, 'project.invitation-withdrawn', gone.email);
    });
  }

  /** The invited account says yes or no. @throws `not-found` when it is not invited (any more) */
  async answer(actor: Actor, project: string, accept: boolean): Promise<void> {
    const { db, clock } = this.#deps;
    await db.transaction().execute(async (trx) => {
      const invitation = await trx
        .deleteFrom('project_invitations')
        .where('project', '=', project)
        .where('account', '=', actor.id)
        .where('expires_at', '>', clock.now())
        .returning(['email', 'role'])
        .executeTakeFirst();
      if (invitation === undefined)
        throw new ReveilleError('not-found', 'There is no such invitation any more.');
      const { email, role } = invitation;
      if (accept)
        await trx.insertInto('project_members').values({ project, account: actor.id, role }).execute();
      const event = accept ? 'project.member-joined' : 'project.invitation-declined';
      await this.#note(trx, actor, project, event, `${email} ${role}`);
    });
  }

  /** @throws `input-invalid` for who is no member, and when the project would be left without an owner */
  async setRole(actor: Actor, project: string, account: string, role: ProjectRole): Promise<void> {
    await this.#deps.projects.assertMay(actor, project, 'change-team');
    await this.#deps.db.transaction().execute(async (trx) => {
      const email = await memberIn(trx, project, account);
      await trx
        .updateTable('project_members')
        .set({ role })
        .where('project', '=', project)
        .where('account', '=', account)
        .execute();
      await assertOwned(trx, project);
      if (role !== 'owner') await endInvitationsBy(trx, project, account);
      await this.#note(trx, actor, project, 'project.member-set', `${email} ${role}`);
    });
    this.#deps.rightsEnded();
  }

  /**
   * A member leaves or is taken out: what it had granted to the clients of the project ends with it, and so do invitations that
   * it gave and nobody has answered.
   * @throws `input-invalid` for who is no member, and for the last owner
   */
  async remove(actor: Actor, project: string, account: string): Promise<void> {
    const { db, clock, projects, rightsEnded } = this.#deps;
    await projects.assertMay(actor, project, actor.id === account ? 'leave' : 'change-team');
    await db.transaction().execute(async (trx) => {
      const email = await memberIn(trx, project, account);
      await trx
        .deleteFrom('project_members')
        .where('project', '=', project)
        .where('account', '=', account)
        .execute();
      await assertOwned(trx, project);
      const clients = trx.selectFrom('clients').select('id').where('project', '=', project);
      await endGrants(trx, clock, (grants) =>
        grants.where('account', '=', account).where('client', 'in', clients),
      );
      await endPendingCodes(trx, (codes) =>
        codes.where('account', '=', account).where('client', 'in', clients),
      );
      await endInvitationsBy(trx, project, account);
      await this.#note(trx, actor, project, 'project.member-removed', email);
    });
    rightsEnded();
  }

  /** The audit log of the project, the newest first: at most `limit` entries, of those before the entry `before`. */
  async history(
    actor: Actor,
    project: string,
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly ProjectEvent[]> {
    await this.#deps.projects.assertMay(actor, project, 'look');
    const rows = await this.#deps.db
      .selectFrom('audit')
      .leftJoin('user', 'user.id', 'audit.account')
      .select(['audit.id', 'audit.at', 'audit.account', 'user.email', 'audit.event', 'audit.detail'])
      .where('audit.subject', '=', project)
      .where('audit.id', '<', before)
      .orderBy('audit.id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ id, at, account, email, event, detail }) => ({
      id,
      at,
      who: email ?? (account === null ? 'the server' : 'an account that is gone'),
      event,
      detail,
    }));
  }

  /**
   * The account is about to be deleted. A project that loses its last owner by it goes to the member of the highest role, the
   * first by address; one without members stays as it is, and the administrator sees it.
   */
  async accountGone(account: string): Promise<void> {
    const { db } = this.#deps;
    await db
      .deleteFrom('project_invitations')
      .where((is) => is.or([is('account', '=', account), is('invited_by', '=', account)]))
      .execute();
    const left = await db
      .deleteFrom('project_members')
      .where('account', '=', account)
      .returning(['project', 'role'])
      .execute();
    for (const { project, role } of left) {
      const [heir] = await this.#members(project);
      if (role !== 'owner' || heir === undefined || heir.role === 'owner') continue;
      await db.transaction().execute(async (trx) => {
        await trx
          .updateTable('project_members')
          .set({ role: 'owner' })
          .where('project', '=', project)
          .where('account', '=', heir.account)
          .execute();
        await this.#note(trx, null, project, 'project.member-set', `${heir.email} owner`);
      });
    }
  }

  async #members(project: string): Promise<readonly TeamMember[]> {
    const rows = await this.#deps.db
      .selectFrom('project_members')
      .innerJoin('user', 'user.id', 'project_members.account')
      .where('project', '=', project)
      .select(['project_members.account', 'user.email', 'user.name', 'project_members.role'])
      .orderBy('user.email')
      .execute();
    return rows.sort((one, other) => byRank(one.role, other.role));
  }

  #note(
    trx: ControlDatabase,
    by: Actor | null,
    project: string,
    event: string,
    detail: string,
  ): Promise<void> {
    return audit(trx, this.#deps.clock).record({ account: by?.id ?? null, subject: project, event, detail });
  }
}

/** Lower case, as addresses of accounts are kept. @throws `input-invalid` */
function checkedAddress(email: string): string {
  const address = email.trim().toLowerCase();
  if (address.length <= bounds.addressCharacters && /^[^\s@]+@[^\s@]+$/.test(address)) return address;
  throw new ReveilleError('input-invalid', 'Give the e-mail address of the account to invite.');
}

/** The address of a member. @throws `input-invalid` */
async function memberIn(trx: ControlDatabase, project: string, account: string): Promise<string> {
  const member = await trx
    .selectFrom('project_members')
    .innerJoin('user', 'user.id', 'project_members.account')
    .select('user.email')
    .where('project', '=', project)
    .where('account', '=', account)
    .executeTakeFirst();
  if (member === undefined) throw new ReveilleError('input-invalid', 'This account is no member any more.');
  return member.email;
}

/** Who is no owner any more has nobody to let in: what it had begun ends with its right. */
async function endInvitationsBy(trx: ControlDatabase, project: string, account: string): Promise<void> {
  await trx
    .deleteFrom('project_invitations')
    .where('project', '=', project)
    .where('invited_by', '=', account)
    .execute();
}

async function assertOwned(trx: ControlDatabase, project: string): Promise<void> {
  const owner = await trx
    .selectFrom('project_members')
    .select('account')
    .where('project', '=', project)
    .where('role', '=', 'owner')
    .executeTakeFirst();
  if (owner === undefined)
    throw new ReveilleError(
      'input-invalid',
      'A project keeps at least one owner: make someone else one first.',
    );
}
