import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Account } from '../accounts/account.ts';
import type { Project } from '../oauth/projects.ts';
import type { ProjectRole } from '../oauth/roles.ts';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, Fields } from './desk.ts';
import { limitsPage } from './limits.tsx';
import { type ProjectView, projectPage, projectsPage } from './projects.tsx';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'projects' | 'team' | 'clients' | 'store' | 'calendar' | 'clock' | 'defaults'>;

const idOf = (c: ConsoleContext): string => c.req.param('id') ?? '';

/** `/console/projects…` and `/console/limits`: create, switch, rename, limits, remove. */
export function projectRoutes(deps: Deps, desk: Desk): Hono<ConsoleEnv> {
  const { projects } = deps;
  const home = (c: ConsoleContext): string => `/console/projects/${idOf(c)}`;
  const again = {
    again: (visit: Visit, c: ConsoleContext, _: Fields, fault: string) =>
      drawProject(deps, visit, idOf(c), fault),
  };

  const routes = new Hono<ConsoleEnv>();
  routes.get(
    '/console/projects',
    desk.page((visit) => drawProjects(deps, visit)),
  );
  routes.post(
    '/console/projects',
    ...desk.form(
      async ({ account }, _, sent) =>
        `/console/projects/${(await projects.create(account, sent.text('name'))).id}?done=project-made`,
      { again: (visit, _, sent, fault) => drawProjects(deps, visit, fault, sent.text('name')) },
    ),
  );
  routes.get(
    '/console/projects/:id',
    desk.page((visit, c) => drawProject(deps, visit, idOf(c))),
  );
  routes.post(
    '/console/projects/:id/messaging',
    ...desk.form(async ({ account }, c, sent) => {
      const on = sent.checked('enabled');
      await projects.setMessaging(account, idOf(c), on);
      return `${home(c)}?done=messaging-${on ? 'on' : 'off'}`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/rename',
    ...desk.form(async ({ account }, c, sent) => {
      await projects.rename(account, idOf(c), sent.text('name'));
      return `${home(c)}?done=renamed`;
    }, again),
  );
  routes.post(
    '/console/projects/:id/remove',
    ...desk.form(async ({ account }, c, sent) => {
      assertSure(sent);
      await projects.remove(account, idOf(c));
      return '/console/projects?done=project-removed';
    }, again),
  );
  limitRoutes(routes, deps, desk);
  return routes;
}

function limitRoutes(routes: Hono<ConsoleEnv>, deps: Deps, desk: Desk): void {
  const { projects, defaults } = deps;
  const draw = async (visit: Visit, fault?: string): Promise<JSX.Element> =>
    limitsPage(visit, await projects.all(visit.account), defaults, fault);
  routes.get(
    '/console/limits',
    desk.page((visit) => draw(visit)),
  );
  routes.post(
    '/console/projects/:id/limits',
    ...desk.form(
      async ({ account }, c, sent) => {
        const limits = {
          dailyQuota: numberOf(sent, 'dailyQuota'),
          payloadBytes: numberOf(sent, 'payloadBytes'),
          dailyTargets: numberOf(sent, 'dailyTargets'),
          subchannels: numberOf(sent, 'subchannels'),
        };
        await projects.setLimits(account, idOf(c), limits);
        return '/console/limits?done=saved';
      },
      { again: (visit, _, __, fault) => draw(visit, fault) },
    ),
  );
}

/** A project with what was accepted today and the quota that holds. */
export async function viewOf(
  { store, calendar, clock, defaults }: Pick<Deps, 'store' | 'calendar' | 'clock' | 'defaults'>,
  project: Project & { readonly role: ProjectRole },
): Promise<ProjectView> {
  const acceptedToday = await store.acceptedOn(project.id, calendar(clock.now()).day);
  return { ...project, acceptedToday, quota: project.dailyQuota ?? defaults.dailyQuota };
}

async function drawProjects(
  deps: Deps,
  visit: Visit,
  fault?: string,
  sentName?: string,
): Promise<JSX.Element> {
  const mine = await deps.projects.of(visit.account);
  return projectsPage(
    visit,
    await Promise.all(mine.map((project) => viewOf(deps, project))),
    await deps.team.invitationsOf(visit.account.id),
    fault,
    sentName,
  );
}

async function drawProject(deps: Deps, visit: Visit, id: string, fault?: string): Promise<JSX.Element> {
  const actor: Account = visit.account;
  const project = await viewOf(deps, await deps.projects.get(actor, id));
  return projectPage(visit, {
    project,
    clients: await deps.clients.list(actor, id),
    fault,
  });
}

/** The box that stands beside what cannot be undone. @throws `input-invalid` when it was not ticked */
export function assertSure(sent: Fields): void {
  if (!sent.checked('sure'))
    throw new ReveilleError('input-invalid', 'Tick the box to say that you are sure.');
}

/** An empty field takes the server's default back. */
function numberOf(sent: Fields, name: string): number | null {
  const text = sent.text(name).trim();
  if (text === '') return null;
  if (!/^[0-9]{1,15}$/.test(text))
    throw new ReveilleError(
      'input-invalid',
      'A limit is a whole number, or empty for the default of the server.',
    );
  return Number(text);
}
