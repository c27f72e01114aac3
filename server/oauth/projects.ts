import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Clock, Random } from '../core/clock.ts';
import { bounds } from './bounds.ts';
import { endGrants } from './ended.ts';
import { may, needFor, type ProjectAct, type ProjectRole } from './roles.ts';

/** Who acts: an account of this server. */
export interface Actor {
  readonly id: string;
  readonly role: 'administrator' | 'user';
}

export interface Project {
  /** 12 digits. */
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  readonly messagingEnabled: boolean;
  /** Messages a day; 0 = no limit; null = the server's default. */
  readonly dailyQuota: number | null;
  /** Bytes of UTF-8 in a payload; null = the server's default. */
  readonly payloadBytes: number | null;
  /** Channels that multicasts may reach in a day; 0 = no limit; null = the server's default. */
  readonly dailyTargets: number | null;
  /** How many subchannels its senders may use at /v2; null = the default. */
  readonly subchannels: number | null;
}

/**
 * Projects: the switch of the messaging API and its limits (reference 3.5). Each method asks roles.ts whether who acts may, and
 * throws `forbidden`; to a stranger a project does not exist: `not-found`.
 */
export class Projects {
  readonly #db: ControlDatabase;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #rightsEnded: () => void;

  constructor(deps: {
    readonly db: ControlDatabase;
    readonly clock: Clock;
    readonly random: Random;
    readonly rightsEnded: () => void;
  }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#rightsEnded = deps.rightsEnded;
  }

  /** Makes a project that `actor` owns, with messaging switched off, as Google's were. */
  async create(actor: Actor, name: string): Promise<Project> {
    const wanted = checkedName(name);
    if ((await this.of(actor)).length >= bounds.projectsPerAccount) {
      throw new ReveilleError(
        'input-invalid',
        `An account has at most ${bounds.projectsPerAccount} projects.`,
      );
    }
    const id = makeProjectId(this.#random);
    const createdAt = this.#clock.now();
    await this.#db.transaction().execute(async (trx) => {
      await trx
        .insertInto('projects')
        .values({
          id,
          name: wanted,
          created_at: createdAt,
          messaging_enabled: 0,
          daily_quota: null,
          payload_bytes: null,
          daily_targets: null,
          subchannels: null,
        })
        .execute();
      await trx
        .insertInto('project_members')
        .values({ project: id, account: actor.id, role: 'owner' })
        .execute();
      await audit(trx, this.#clock).record({
        account: actor.id,
        subject: id,
        event: 'project.created',
        detail: wanted,
      });
    });
    return {
      id,
      name: wanted,
      createdAt,
      messagingEnabled: false,
      dailyQuota: null,
      payloadBytes: null,
      dailyTargets: null,
      subchannels: null,
    };
  }

  /** The projects that the account is a member of, oldest first, each with its role. */
  async of(actor: Actor): Promise<readonly (Project & { readonly role: ProjectRole })[]> {
    const rows = await this.#db
      .selectFrom('projects')
      .innerJoin('project_members', 'project_members.project', 'projects.id')
      .where('project_members.account', '=', actor.id)
      .selectAll('projects')
      .select('project_members.role')
      .orderBy('projects.created_at')
      .orderBy('projects.id')
      .execute();
    return rows.map((row) => ({ ...toProject(row), role: row.role }));
  }

  /** Every project of the server, for its administrator. @throws `forbidden` */
  async all(actor: Actor): Promise<readonly Project[]> {
    assertAdministrator(actor);
    return (await this.#db.selectFrom('projects').selectAll().orderBy('created_at').execute()).map(toProject);
  }

  /** One project and the role of `actor` in it; an administrator who is no member sees it as a viewer does. */
  async get(actor: Actor, project: string): Promise<Project & { readonly role: ProjectRole }> {
    const row = await this.#db
      .selectFrom('projects')
      .selectAll()
      .where('id', '=', project)
      .executeTakeFirst();
    const role = await this.#roleOf(actor, project);
    if (row === undefined || role === undefined)
      throw new ReveilleError('not-found', 'There is no such project.');
    return { ...toProject(row), role };
  }

  /** @throws `not-found` for a stranger, `forbidden` for a member whose role does not reach. */
  async assertMay(actor: Actor, project: string, act: ProjectAct): Promise<void> {
    const role = await this.#roleOf(actor, project);
    if (role === undefined) throw new ReveilleError('not-found', 'There is no such project.');
    if (!may(role, act)) throw new ReveilleError('forbidden', needFor(act));
  }

  async rename(actor: Actor, project: string, name: string): Promise<void> {
    await this.assertMay(actor, project, 'rename');
    const wanted = checkedName(name);
    await this.#change(actor, project, 'project.renamed', wanted, { name: wanted });
  }

  /** The switch under "Services". Off: the very next message of its senders is refused with `api-off`. */
  async setMessaging(actor: Actor, project: string, enabled: boolean): Promise<void> {
    await this.assertMay(actor, project, 'switch-messaging');
    const event = enabled ? 'project.messaging-on' : 'project.messaging-off';
    await this.#change(actor, project, event, '', { messaging_enabled: enabled ? 1 : 0 });
  }

  /**
   * Limits of a project; null takes the server's default back. For administrators only.
   * @throws `input-invalid` for a number that is no limit
   */
  async setLimits(
    actor: Actor,
    project: string,
    wanted: {
      readonly dailyQuota: number | null;
      readonly payloadBytes: number | null;
      readonly dailyTargets: number | null;
      readonly subchannels: number | null;
    },
  ): Promise<void> {
    assertAdministrator(actor);
    await this.get(actor, project);
    const { dailyQuota, payloadBytes, dailyTargets, subchannels } = wanted;
    if (dailyQuota !== null && !(Number.isSafeInteger(dailyQuota) && dailyQuota >= 0)) {
      throw new ReveilleError('input-invalid', 'The daily quota is a whole number; 0 = no limit.');
    }
    if (dailyTargets !== null && !(Number.isSafeInteger(dailyTargets) && dailyTargets >= 0))
      throw new ReveilleError('input-invalid', 'The limit of channels is a whole number; 0 = no limit.');
    if (
      payloadBytes !== null &&
      !(Number.isSafeInteger(payloadBytes) && payloadBytes >= 1 && payloadBytes <= bounds.payloadBytesMax)
    ) {
      throw new ReveilleError('input-invalid', `A payload limit is 1 to ${bounds.payloadBytesMax} bytes.`);
    }
    if (
      subchannels !== null &&
      !(Number.isSafeInteger(subchannels) && subchannels >= 1 && subchannels <= limits.subchannelsMax)
    ) {
      throw new ReveilleError('input-invalid', `A project has 1 to ${limits.subchannelsMax} subchannels.`);
    }
    const detail = `${dailyQuota ?? 'default'} messages and ${dailyTargets ?? 'default'} channels a day, ${payloadBytes ?? 'default'} bytes, ${subchannels ?? 'default'} subchannels`;
    await this.#change(actor, project, 'project.limits', detail, {
      daily_quota: dailyQuota,
      payload_bytes: payloadBytes,
      daily_targets: dailyTargets,
      subchannels,
    });
  }

  /** Ends the project, its clients and every grant that was given to them. */
  async remove(actor: Actor, project: string): Promise<void> {
    await this.assertMay(actor, project, 'remove-project');
    await this.#db.transaction().execute(async (trx) => {
      const clients = trx.selectFrom('clients').select('id').where('project', '=', project);
      await endGrants(trx, this.#clock, (grants) => grants.where('client', 'in', clients));
      await trx.deleteFrom('projects').where('id', '=', project).execute();
      await audit(trx, this.#clock).record({
        account: actor.id,
        subject: project,
        event: 'project.removed',
        detail: '',
      });
    });
    this.#rightsEnded();
  }

  async #change(
    actor: Actor,
    project: string,
    event: string,
    detail: string,
    columns: Partial<{
      name: string;
      messaging_enabled: number;
      daily_quota: number | null;
      payload_bytes: number | null;
      daily_targets: number | null;
      subchannels: number | null;
    }>,
  ): Promise<void> {
    await this.#db.transaction().execute(async (trx) => {
      await trx.updateTable('projects').set(columns).where('id', '=', project).execute();
      await audit(trx, this.#clock).record({ account: actor.id, subject: project, event, detail });
    });
    this.#rightsEnded();
  }

  async #roleOf(actor: Actor, project: string): Promise<ProjectRole | undefined> {
    const row = await this.#db
      .selectFrom('project_members')
      .select('role')
      .where('project', '=', project)
      .where('account', '=', actor.id)
      .executeTakeFirst();
    return row?.role ?? (actor.role === 'administrator' ? 'viewer' : undefined);
  }
}

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
  readonly messaging_enabled: number;
  readonly daily_quota: number | null;
  readonly payload_bytes: number | null;
  readonly daily_targets: number | null;
  readonly subchannels: number | null;
}

const toProject = (row: ProjectRow): Project => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
  messagingEnabled: row.messaging_enabled === 1,
  dailyQuota: row.daily_quota,
  payloadBytes: row.payload_bytes,
  dailyTargets: row.daily_targets,
  subchannels: row.subchannels,
});

/** 12 digits, the first not 0, as Google numbered its projects: the number is a part of every client id. */
function makeProjectId(random: Random): string {
  const span = 900_000_000_000n;
  const number = BigInt(`0x${Buffer.from(random(16)).toString('hex')}`) % span;
  return (100_000_000_000n + number).toString();
}

/** @throws `input-invalid` for an empty or overlong name */
export function checkedName(name: string): string {
  const text = name.trim();
  if (text === '' || text.length > bounds.nameCharacters) {
    throw new ReveilleError('input-invalid', `A name has 1 to ${bounds.nameCharacters} characters.`);
  }
  return text;
}

function assertAdministrator(actor: Actor): void {
  if (actor.role !== 'administrator')
    throw new ReveilleError('forbidden', 'It takes the administrator of this server.');
}
