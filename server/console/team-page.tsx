import type { JSX } from 'hono/jsx/jsx-runtime';
import type { Project } from '../oauth/projects.ts';
import { may, type ProjectRole } from '../oauth/roles.ts';
import type { OpenInvitation, TeamInvitation, TeamMember } from '../oauth/team.ts';
import { Card, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Field, Select } from '../pages/form.tsx';
import { Act } from './frame.tsx';
import { ProjectFrame } from './project-frame.tsx';
import type { Visit } from './visit.ts';

const roles = [
  { value: 'viewer', label: 'Viewer: may look' },
  { value: 'editor', label: 'Editor: may change services and clients' },
  { value: 'owner', label: 'Owner: may also change the team' },
] as const;

const shortRoles = roles.map(({ value }) => ({ value, label: value }));

export interface TeamPageProps {
  readonly project: Project & { readonly role: ProjectRole };
  readonly members: readonly TeamMember[];
  readonly invitations: readonly TeamInvitation[];
  readonly fault?: string | undefined;
  readonly sentEmail?: string | undefined;
}

/** Who looks after a project: members, invitations, and the way to let others in. */
export function teamPage(visit: Visit, props: TeamPageProps): JSX.Element {
  const { project, members, fault } = props;
  const owner = may(project.role, 'change-team');
  return (
    <ProjectFrame
      visit={visit}
      project={project}
      title="Team"
      lead="Who looks after this project: a viewer looks, an editor changes services and clients and sends tests, an owner also changes the team and may remove the project."
      fault={fault}
    >
      <Card title="Members">
        <Table
          caption="Members of the project"
          columns={['Account', 'Role', { label: 'Actions', align: 'end', unseen: true }]}
          rows={members.map((member) => [
            <>
              {member.name}
              <small>{member.email}</small>
            </>,
            member.role,
            memberActions(visit, project.id, member, owner),
          ])}
        />
      </Card>
      {owner && inviteCard(visit, props)}
    </ProjectFrame>
  );
}

function inviteCard(visit: Visit, { project, invitations, sentEmail }: TeamPageProps): JSX.Element {
  const home = `/console/projects/${project.id}/team`;
  return (
    <Card
      title="Invite someone"
      lead="Who has an account with this address finds the invitation on its console and joins by saying yes. Without an account nothing happens: ask them to sign up first, then invite."
    >
      <Act visit={visit} action={`${home}/invite`}>
        <Field
          label="E-mail address"
          name="email"
          type="email"
          value={sentEmail}
          hint="Of an account on this server."
          required
        />
        <Select label="Role" name="role" options={roles} />
        <div>
          <Button>Invite</Button>
        </div>
      </Act>
      {invitations.length > 0 && (
        <Table
          caption="Invitations that wait for an answer"
          columns={['Invited', 'Role', 'Good until', { label: 'Actions', align: 'end', unseen: true }]}
          rows={invitations.map(({ id, email, role, expiresAt }) => [
            email,
            role,
            <Time at={expiresAt} />,
            <Act visit={visit} action={`${home}/withdraw`} hidden={{ invitation: id }} inline>
              <Button kind="quiet" compact label={`Take back the invitation of ${email}`}>
                Take back
              </Button>
            </Act>,
          ])}
        />
      )}
    </Card>
  );
}

function memberActions(visit: Visit, project: string, member: TeamMember, owner: boolean): JSX.Element {
  const home = `/console/projects/${project}/team`;
  const self = member.account === visit.account.id;
  const hidden = { account: member.account };
  return (
    <div class="row end">
      {owner && (
        <Act visit={visit} action={`${home}/role`} hidden={hidden} inline>
          <select name="role" class="choose" aria-label={`Role of ${member.email}`}>
            {shortRoles.map(({ value, label }) => (
              <option value={value} selected={value === member.role}>
                {label}
              </option>
            ))}
          </select>
          <Button kind="quiet" compact label={`Set role of ${member.email}`}>
            Set role
          </Button>
        </Act>
      )}
      {(owner || self) && (
        <Act visit={visit} action={`${home}/remove`} hidden={hidden} inline>
          <Button kind="quiet" compact label={self ? 'Leave the project' : `Remove ${member.email}`}>
            {self ? 'Leave' : 'Remove'}
          </Button>
        </Act>
      )}
    </div>
  );
}

/** Projects that want the one who is signed in, each with its two answers. */
export const TeamInvitations = ({
  visit,
  invitations,
}: {
  visit: Visit;
  invitations: readonly OpenInvitation[];
}): JSX.Element => (
  <>
    {invitations.map(({ project, name, role }) => (
      <Notice kind="info">
        <div class="row apart">
          <p>
            You are invited to the project <strong>{name}</strong> as its {role}.
          </p>
          <Act visit={visit} action={`/console/projects/${project}/answer`} inline>
            <Button compact name="accept" value="yes" label={`Join ${name}`}>
              Join
            </Button>
            <Button compact kind="quiet" name="accept" value="" label={`Decline ${name}`}>
              Decline
            </Button>
          </Act>
        </div>
      </Notice>
    ))}
  </>
);
