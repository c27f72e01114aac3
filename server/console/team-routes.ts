import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { ReveilleError } from '../../protocol/errors.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import type { ProjectRole } from '../oauth/roles.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { historyPage } from './history-page.tsx';
import { teamPage } from './team-page.tsx';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'projects' | 'team' | 'clock'>;

/** Invitations write to other people's consoles, so nobody may send many. */
const INVITATIONS_PER_HOUR = 30;
const EVENTS_SHOWN = 50;

const idOf = (c: ConsoleContext): string => c.req.param('id') ?? '';
const homeOf = (c: ConsoleContext): string => `/console/projects/${idOf(c)}/team`;

/** `/console/projects/:id/team…` and `…/history`: members, invitations, the audit log. */
export function teamRoutes({ projects, team, clock }: Deps, desk: Desk): Hono<ConsoleEnv> {
  const invitations = new RateLimit(clock, INVITATIONS_PER_HOUR, 3_600_000);
  const draw = async (
    visit: Visit,
    c: ConsoleContext,
    fault?: string,
    sent?: Fields,
  ): Promise<JSX.Element> => {
    const { account } = visit;
    return teamPage(visit, {
      project: await projects.get(account, idOf(c)),
      members: await team.members(account, idOf(c)),
      invitations: await team.invitations(account, idOf(c)),
      fault,
      sentEmail: sent?.text('email'),
    });
  };
  const again = {
    again: (visit: Visit, c: ConsoleContext, sent: Fields, fault: string) => draw(visit, c, fault, sent),
  };

  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/projects/:id/team',
    desk.page((visit, c) => draw(visit, c)),
  );
  routes.post(
    '/console/projects/:id/team/invite',
    ...desk.form(async ({ account }, c, sent) => {
      invitations.assert(account.id, 'Too many invitations in an hour.');
      await team.invite(account, idOf(c), sent.text('email'), roleOf(sent.text('role')));
      return `${homeOf(c)}?done=team-invited`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/team/withdraw',
    ...desk.form(async ({ account }, c, sent) => {
      await team.withdraw(account, idOf(c), sent.text('invitation'));
      return `${homeOf(c)}?done=invitation-withdrawn`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/team/role',
    ...desk.form(async ({ account }, c, sent) => {
      await team.setRole(account, idOf(c), sent.text('account'), roleOf(sent.text('role')));
      return `${homeOf(c)}?done=member-set`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/team/remove',
    ...desk.form(async ({ account }, c, sent) => {
      const member = sent.text('account');
      await team.remove(account, idOf(c), member);
      return member === account.id
        ? '/console/projects?done=left-project'
        : `${homeOf(c)}?done=member-removed`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/answer',
    ...desk.form(async ({ account }, c, sent) => {
      const accept = sent.checked('accept');
      await team.answer(account, idOf(c), accept);
      return accept ? `/console/projects/${idOf(c)}?done=joined-project` : '/console?done=declined';
    }),
  );
  historyRoute(routes, { projects, team }, desk);
  return routes;
}

function historyRoute(
  routes: Hono<ConsoleEnv>,
  { projects, team }: Pick<Deps, 'projects' | 'team'>,
  desk: Desk,
): void {
  routes.get(
    '/console/projects/:id/history',
    desk.page(async (visit, c) => {
      const project = await projects.get(visit.account, idOf(c));
      const asked = Number(c.req.query('before'));
      const before = Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
      const events = await team.history(visit.account, project.id, EVENTS_SHOWN + 1, before);
      const shown = events.slice(0, EVENTS_SHOWN);
      return historyPage(visit, {
        project,
        events: shown,
        before: events.length > EVENTS_SHOWN ? shown.at(-1)?.id : undefined,
      });
    }),
  );
}

function roleOf(text: string): ProjectRole {
  if (text === 'viewer' || text === 'editor' || text === 'owner') return text;
  throw new ReveilleError('input-invalid', 'Choose a role: viewer, editor or owner.');
}
