import type { FC } from 'hono/jsx';
import { Badge, Card, Code, EmptyState, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Field, Form, KnownUser } from '../pages/form.tsx';
import { Page, PageHead, type Viewer } from '../pages/page.tsx';
import type { Account, Person } from './account.ts';
import type { Invite } from './invites.ts';

interface PeopleProps {
  readonly viewer: Viewer;
  readonly people: readonly Person[];
  /** Id of the administrator who looks. */
  readonly self: string;
  readonly token: string;
  readonly done?: string | undefined;
}

export const PeoplePage: FC<PeopleProps> = ({ viewer, people, self, token, done }) => (
  <Page title="People" account={viewer} at="/accounts/people" wide>
    <PageHead
      title="People"
      lead="Everyone with an account on this server. Disabling one ends all its rights at once; nothing is deleted."
    >
      <Button kind="quiet" href="/accounts/invites">
        Invites
      </Button>
    </PageHead>
    <div class="stack">
      {done && <Notice kind="success">{done}</Notice>}
      <Table
        caption="People"
        columns={['Person', 'Role', 'State', 'Since', { label: 'Actions', align: 'end', unseen: true }]}
        rows={people.map((person) => [
          <>
            {person.name}
            <small>{person.email}</small>
          </>,
          person.role === 'administrator' ? 'Administrator' : 'User',
          person.disabled ? <Badge kind="error">Disabled</Badge> : <Badge kind="success">Active</Badge>,
          <Time at={person.createdAt} />,
          <div class="row">
            <Button
              kind="quiet"
              compact
              href={`/accounts/people/role/${person.id}`}
              label={`Role of ${person.email}`}
            >
              Role
            </Button>
            {person.id !== self && <StateForm person={person} token={token} />}
          </div>,
        ])}
      />
    </div>
  </Page>
);

const StateForm: FC<{ person: Person; token: string }> = ({ person, token }) => {
  const word = person.disabled ? 'Enable' : 'Disable';
  const action = person.disabled ? '/accounts/people/enable' : '/accounts/people/disable';
  return (
    <Form action={action} token={token} hidden={{ id: person.id }} inline>
      <Button kind="quiet" compact label={`${word} ${person.email}`}>
        {word}
      </Button>
    </Form>
  );
};

interface RoleProps {
  readonly viewer: Viewer;
  readonly person: Account;
  /** Id of the administrator who looks. */
  readonly self: string;
  readonly token: string;
  readonly fault?: string | undefined;
}

/** Makes an administrator of a user, or a user of an administrator. */
export const RolePage: FC<RoleProps> = ({ viewer, person, self, token, fault }) => {
  const isAdministrator = person.role === 'administrator';
  const own = person.id === self;
  return (
    <Page title="Role" account={viewer} at="/accounts/people">
      <PageHead
        title={
          isAdministrator
            ? `Take the role of administrator from ${person.name}`
            : `Make ${person.name} an administrator`
        }
        lead={person.email}
      >
        <Button kind="quiet" href="/accounts/people">
          People
        </Button>
      </PageHead>
      <Card>
        {fault && <Notice kind="error">{fault}</Notice>}
        <p>
          {isAdministrator
            ? `${own ? 'You' : 'The account'} can no longer see people, disable accounts or set limits of projects. Its own projects and apps stay.`
            : 'An administrator sees who has an account, disables accounts, sets limits of projects, and makes and unmakes administrators. To hand the role on, make someone else one first, then give up yours.'}
        </p>
        <Form
          action="/accounts/people/role"
          token={token}
          hidden={{ id: person.id, role: isAdministrator ? 'user' : 'administrator' }}
        >
          <KnownUser email={viewer.email} />
          <Field
            label="Your password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
          <div>
            <Button kind={isAdministrator ? 'danger' : 'main'}>
              {isAdministrator ? 'Take the role' : 'Make administrator'}
            </Button>
          </div>
        </Form>
      </Card>
    </Page>
  );
};

interface InvitesProps {
  readonly viewer: Viewer;
  readonly invites: readonly Invite[];
  readonly token: string;
  readonly now: number;
  /** Address with a code that was made just now; it is shown once. */
  readonly made?: string | undefined;
  /** False when the policy of the server makes invites useless. */
  readonly useful: boolean;
}

export const InvitesPage: FC<InvitesProps> = ({ viewer, invites, token, now, made, useful }) => (
  <Page title="Invites" account={viewer} at="/accounts/people">
    <PageHead
      title="Invites"
      lead="A code lets one person make an account. It is good for 14 days, and it is shown once."
    >
      <Button kind="quiet" href="/accounts/people">
        People
      </Button>
    </PageHead>
    <div class="stack-wide">
      {!useful && <Notice kind="info">Invites count when the server runs with “--sign-up invite”.</Notice>}
      {made && (
        <Card title="Send this address to one person" lead="It is not shown again.">
          <Code text={made} />
        </Card>
      )}
      <Card title="Make an invite">
        <Form action="/accounts/invites" token={token}>
          <Field
            label="E-mail"
            name="email"
            type="email"
            hint="Only this address may use it. Leave it empty for anyone."
          />
          <div>
            <Button>Make an invite</Button>
          </div>
        </Form>
      </Card>
      {invites.length === 0 ? (
        <EmptyState title="No invites yet">
          The ones you make are listed here until they are used, with who used them.
        </EmptyState>
      ) : (
        <Table
          caption="Invites"
          columns={['For', 'State', 'Made', 'Ends', { label: 'Actions', align: 'end', unseen: true }]}
          rows={invites.map((invite) => [
            invite.email ?? 'Anyone',
            <InviteState invite={invite} now={now} />,
            <Time at={invite.createdAt} />,
            <Time at={invite.expiresAt} />,
            invite.usedBy === null && (
              <Form action="/accounts/invites/withdraw" token={token} hidden={{ id: invite.id }} inline>
                <Button kind="quiet" compact label={`Withdraw the invite for ${invite.email ?? 'anyone'}`}>
                  Withdraw
                </Button>
              </Form>
            ),
          ])}
        />
      )}
    </div>
  </Page>
);

const InviteState: FC<{ invite: Invite; now: number }> = ({ invite, now }) => {
  if (invite.usedBy !== null) return <Badge kind="success">Used</Badge>;
  return invite.expiresAt <= now ? <Badge>Expired</Badge> : <Badge kind="info">Open</Badge>;
};
