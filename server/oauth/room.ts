import type { AppId } from '../../protocol/app-id.ts';
import { limits } from '../../protocol/limits.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Accounts } from '../accounts/face.ts';
import type { Secrets } from '../config/secrets.ts';
import type { AppOwners, WasRemoved } from '../core/app-owners.ts';
import type { Clock, Random } from '../core/clock.ts';
import type { Events } from '../observe/events.ts';
import { readAddress } from './authorization-request.ts';
import { Clients } from './clients.ts';
import { Grants } from './grants.ts';
import { Projects } from './projects.ts';
import { oauthRoutes } from './routes.tsx';
import { createSenders, type RememberingSenders } from './senders.ts';
import { Team } from './team.ts';

export interface OAuthDeps {
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  readonly accounts: Accounts;
  readonly owners: AppOwners;
  /** Messages a day of a project that has no number of its own; 0 = no limit. */
  readonly dailyQuota?: number;
  readonly wasRemoved?: WasRemoved;
  /** Answers a token lock-out as it was in 2013. */
  readonly compat2013?: boolean;
}

export interface OAuthRoom {
  readonly senders: RememberingSenders;
  readonly projects: Projects;
  readonly team: Team;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly routes: ReturnType<typeof oauthRoutes>;
  /** The app that a path of the authorization endpoint asks for; undefined for any other path. */
  askingApp(path: string): Promise<{ readonly id: AppId; readonly name: string } | undefined>;
}

/**
 * Opens the room. What ends the right of an account is heard from the accounts room here; whatever ends a right elsewhere
 * (an app that changes hands, a publisher group that loses a member) calls `senders.rightsEnded()`.
 */
export function openOAuth(deps: OAuthDeps): OAuthRoom {
  const senders = createSenders({ ...deps, dailyQuota: deps.dailyQuota ?? limits.dailyMessages });
  const shared = { ...deps, rightsEnded: () => senders.rightsEnded() };
  const projects = new Projects(shared);
  const team = new Team({ ...shared, projects });
  const clients = new Clients({ ...shared, projects });
  const grants = new Grants(shared);
  deps.accounts.onRightEnded((account) => {
    senders.rightsEnding(
      grants
        .accountChanged(account)
        .catch((cause: unknown) => deps.events.failed('end the tokens of an account', cause)),
    );
  });
  deps.accounts.onDelete((account) => grants.accountGone(account));
  deps.accounts.onDelete((account) => team.accountGone(account));
  deps.accounts.onExport('grants', (account) => grants.list(account));
  deps.accounts.onExport('projects', (account) => projects.of({ id: account, role: 'user' }));
  const wasRemoved: WasRemoved = deps.wasRemoved ?? (async () => false);
  const routes = oauthRoutes({ ...deps, wasRemoved, clients, grants, compat2013: deps.compat2013 ?? false });
  const askingApp: OAuthRoom['askingApp'] = async (path) => {
    const { pathname, search } = new URL(path, 'http://here');
    if (pathname !== '/o/oauth2/auth') return undefined;
    const addressed = await readAddress(search, { clients, owners: deps.owners });
    if ('fault' in addressed || addressed.asker.kind !== 'app') return undefined;
    return { id: addressed.asker.app.id, name: addressed.asker.name };
  };
  return { senders, projects, team, clients, grants, routes, askingApp };
}
