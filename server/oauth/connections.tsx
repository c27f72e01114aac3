import { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { isAppId } from '../../protocol/app-id.ts';
import type { Accounts } from '../accounts/face.ts';
import { formToken } from '../accounts/form-token.ts';
import { type PageEnv, PageGuard } from '../accounts/page-guard.ts';
import type { Secrets } from '../config/secrets.ts';
import type { AppOwners } from '../core/app-owners.ts';
import type { Clock } from '../core/clock.ts';
import { Card, EmptyState, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Form } from '../pages/form.tsx';
import { Page, PageHead, type Viewer } from '../pages/page.tsx';
import { render, seeOther } from '../pages/render.tsx';
import type { Clients } from './clients.ts';
import type { Grant, Grants } from './grants.ts';
import { meaningsOf } from './scopes.ts';

interface ConnectionsDeps {
  readonly accounts: Accounts;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly clients: Clients;
  readonly grants: Grants;
  readonly owners: AppOwners;
}

/** All that an account has granted to one client or app. */
interface Connection {
  readonly id: string;
  readonly name: string;
  readonly kind: 'app' | 'service';
  readonly grants: readonly Grant[];
}

const purpose = 'connections';

/** `/connections`: what the account has granted, to whom, since when and when it was last used; each can be revoked. */
export function connectionsRoutes(deps: ConnectionsDeps): Hono<PageEnv> {
  const guard = new PageGuard(deps);
  const routes = new Hono<PageEnv>();
  routes.get(
    '/connections',
    guard.page(async (c, { account }) => {
      const token = formToken(deps.secrets, account.id, purpose, deps.clock);
      const connections = await connectionsOf(deps, account.id);
      const viewer = deps.accounts.viewer(account);
      const done = c.req.query('done') !== undefined;
      return await render(
        <ConnectionsPage viewer={viewer} connections={connections} token={token} done={done} />,
      );
    }),
  );
  routes.post(
    '/connections/revoke',
    guard.form(purpose, async (_c, { account }, form) => {
      const grant = form.get('grant');
      if (grant !== null) await deps.grants.end(account.id, grant);
      else await deps.grants.endClient(account.id, form.get('client') ?? '');
      return seeOther('/connections?done=revoked');
    }),
  );
  return routes;
}

async function connectionsOf(deps: ConnectionsDeps, account: string): Promise<readonly Connection[]> {
  const byClient = Map.groupBy(await deps.grants.list(account), (grant) => grant.client);
  const connections: Connection[] = [];
  for (const [id, grants] of byClient) {
    const isApp = isAppId(id);
    const name = isApp ? (await deps.owners.find(id))?.title : (await deps.clients.find(id))?.name;
    connections.push({ id, name: name ?? id, kind: isApp ? 'app' : 'service', grants });
  }
  return connections;
}

interface PageProps {
  readonly viewer: Viewer;
  readonly connections: readonly Connection[];
  readonly token: string;
  readonly done: boolean;
}

const ConnectionsPage: FC<PageProps> = ({ viewer, connections, token, done }) => (
  <Page title="Connected services" account={viewer} at="/connections">
    <PageHead
      title="Connected services"
      lead="Services that may send in your name, and apps that may send to you. What you revoke ends at once."
    />
    <div class="stack-wide">
      {done && <Notice kind="success">Access was revoked.</Notice>}
      {connections.length === 0 && (
        <EmptyState title="Nothing is connected">
          When you allow a service or sign in to an app, it is listed here, and you can revoke it.
        </EmptyState>
      )}
      {connections.map((connection) => (
        <ConnectionCard connection={connection} token={token} />
      ))}
    </div>
  </Page>
);

const ConnectionCard: FC<{ connection: Connection; token: string }> = ({ connection, token }) => (
  <Card title={connection.name} lead={connection.kind === 'app' ? 'App' : 'Service'}>
    {connection.grants.length > 1 && (
      <Form action="/connections/revoke" token={token} hidden={{ client: connection.id }} inline>
        <Button kind="danger" compact>
          Revoke all {connection.grants.length}
        </Button>
      </Form>
    )}
    <Table
      caption={`What ${connection.name} was granted`}
      columns={['It may', 'Since', 'Last used', { label: 'Revoke', align: 'end', unseen: true }]}
      rows={connection.grants.map((grant) => [
        <Meaning grant={grant} />,
        <Time at={grant.createdAt} />,
        grant.lastUsedAt === null ? 'Never' : <Time at={grant.lastUsedAt} />,
        <Form action="/connections/revoke" token={token} hidden={{ grant: grant.id }} inline>
          <Button kind="danger" compact label={`Revoke what ${connection.name} was granted`}>
            Revoke
          </Button>
        </Form>,
      ])}
    />
  </Card>
);

const Meaning: FC<{ grant: Grant }> = ({ grant }) => (
  <>
    {meaningsOf(grant.scope).join('; ')}
    {grant.offline && ', also while you are away'}
  </>
);
