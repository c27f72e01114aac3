import { Hono } from 'hono';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { ReveilleError } from '../../protocol/errors.ts';
import { RateLimit } from '../doors/rate-limit.ts';
import { appsPage } from './apps.tsx';
import type { ConsoleDeps } from './deps.ts';
import type { ConsoleContext, ConsoleEnv, Desk, FormAnswer } from './desk.ts';
import { groupPage } from './group-page.tsx';
import type { Visit } from './visit.ts';

type Deps = Pick<ConsoleDeps, 'apps' | 'groups' | 'clock'>;

/** An invitation tells whether an address has an account here, so nobody may ask for many. */
const INVITATIONS_PER_HOUR = 30;
const HISTORY = 50;

const idOf = (c: ConsoleContext): string => c.req.param('id') ?? '';

/** `/console/groups…`: make, invite, answer, change a role, remove. */
export function groupRoutes({ apps, groups, clock }: Deps, desk: Desk): Hono<ConsoleEnv> {
  const invitations = new RateLimit(clock, INVITATIONS_PER_HOUR, 3_600_000);
  const draw = async (visit: Visit, c: ConsoleContext, fault?: string): Promise<JSX.Element> => {
    const id = idOf(c);
    const { name, members } = await groups.open(visit.account.id, id);
    return groupPage(visit, {
      id,
      name,
      members,
      history: await groups.history(visit.account.id, id, HISTORY),
      fault,
    });
  };
  const again = {
    again: (visit: Visit, c: ConsoleContext, _: unknown, fault: string) => draw(visit, c, fault),
  };

  const routes = new Hono<ConsoleEnv>();
  routes.post(
    '/console/groups',
    ...desk.form(
      async ({ account }, _, sent) =>
        `/console/groups/${await groups.create(account.id, sent.text('name'))}?done=group-made`,
      {
        again: async (visit, _, __, fault) =>
          appsPage(visit, await apps.list(visit.account.id), await groups.ofAccount(visit.account.id), fault),
      },
    ),
  );
  routes.get(
    '/console/groups/:id',
    desk.page((visit, c) => draw(visit, c)),
  );
  routes.post(
    '/console/groups/:id/invite',
    ...desk.form(async ({ account }, c, sent) => {
      invitations.assert(account.id, 'Too many invitations in an hour.');
      await groups.invite(account.id, idOf(c), sent.text('email'));
      return `/console/groups/${idOf(c)}?done=member-invited`;
    }, again),
  );
  routes.post(
    '/console/groups/:id/answer',
    ...desk.form(async ({ account }, c, sent) => {
      const accept = sent.checked('accept');
      await groups.answer(account.id, idOf(c), accept);
      return accept ? `/console/groups/${idOf(c)}?done=joined` : '/console/apps?done=declined';
    }),
  );
  memberRoutes(routes, groups, desk, again);
  return routes;
}

function memberRoutes(routes: Hono<ConsoleEnv>, groups: Deps['groups'], desk: Desk, again: FormAnswer): void {
  routes.post(
    '/console/groups/:id/role',
    ...desk.form(async ({ account }, c, sent) => {
      const role = sent.text('role');
      if (role !== 'owner' && role !== 'member')
        throw new ReveilleError('input-invalid', 'Choose a role: owner or member.');
      await groups.setRole(account.id, idOf(c), sent.text('account'), role);
      return `/console/groups/${idOf(c)}?done=member-set`;
    }, again),
  );
  routes.post(
    '/console/groups/:id/remove',
    ...desk.form(async ({ account }, c, sent) => {
      const member = sent.text('account');
      await groups.remove(account.id, idOf(c), member);
      return member === account.id
        ? '/console/apps?done=left-group'
        : `/console/groups/${idOf(c)}?done=member-removed`;
    }, again),
  );
}
