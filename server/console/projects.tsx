import type { JSX } from 'hono/jsx/jsx-runtime';
import type { Client } from '../oauth/clients.ts';
import type { Project } from '../oauth/projects.ts';
import { may, type ProjectRole } from '../oauth/roles.ts';
import type { OpenInvitation } from '../oauth/team.ts';
import { Badge, Card, EmptyState, Facts, Table, Time } from '../pages/content.tsx';
import { Button, Check, Field } from '../pages/form.tsx';
import { Act, ConsolePage, Id, More, OnOff } from './frame.tsx';
import { LimitsForm } from './limits.tsx';
import { ProjectFrame } from './project-frame.tsx';
import { TeamInvitations } from './team-page.tsx';
import type { Visit } from './visit.ts';

export interface ProjectView extends Project {
  readonly role: ProjectRole;
  readonly acceptedToday: number;
  /** Messages a day that hold for it; 0 = no limit. */
  readonly quota: number;
}

/** The projects of an account, and the form for one more. */
export function projectsPage(
  visit: Visit,
  projects: readonly ProjectView[],
  invitations: readonly OpenInvitation[],
  fault?: string,
  sentName?: string,
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Projects"
      lead="A project is who sends: it has its own switch, its own OAuth clients and its own daily quota."
      fault={fault}
    >
      <TeamInvitations visit={visit} invitations={invitations} />
      {projects.length > 0 && (
        <Table
          caption="Your projects"
          columns={['Project', 'Messaging', 'Your role', { label: 'Messages today', align: 'number' }]}
          rows={projects.map((project) => [
            <>
              <a href={`/console/projects/${project.id}`}>{project.name}</a>
              <small>{project.id}</small>
            </>,
            <OnOff on={project.messagingEnabled} />,
            project.role,
            usageText(project),
          ])}
        />
      )}
      <Card title={projects.length === 0 ? 'Create your first project' : 'Create another project'}>
        <Act visit={visit} action="/console/projects">
          <Field
            label="Name"
            name="name"
            value={sentName}
            hint="For people: the service or product that sends."
            required
            maxlength={80}
            autofocus={projects.length === 0}
          />
          <div>
            <Button>Create project</Button>
          </div>
        </Act>
      </Card>
    </ConsolePage>
  );
}

interface ProjectPageProps {
  readonly project: ProjectView;
  readonly clients: readonly Client[];
  readonly fault?: string | undefined;
}

/** One project: services, API access, usage, limits, and its end. */
export function projectPage(visit: Visit, { project, clients, fault }: ProjectPageProps): JSX.Element {
  return (
    <ProjectFrame
      visit={visit}
      project={project}
      lead={`Project ${project.id}. You are its ${project.role}.`}
      fault={fault}
    >
      {services(visit, project)}
      {apiAccess(project, clients)}
      <Card
        title="Usage today"
        lead="Every accepted message counts once, whatever the number of devices. The day ends at midnight UTC."
      >
        <Usage project={project} />
      </Card>
      {visit.viewer.administrator && (
        <Card title="Limits" lead="Set by the administrator of this server, who you are.">
          <LimitsForm visit={visit} project={project} />
        </Card>
      )}
      {may(project.role, 'rename') && changesCard(visit, project)}
    </ProjectFrame>
  );
}

function services(visit: Visit, project: ProjectView): JSX.Element {
  const on = project.messagingEnabled;
  return (
    <Card title="Services">
      <div class="row apart">
        <div>
          <p>
            <strong>Google Cloud Messaging for Chrome API</strong> <OnOff on={on} />
          </p>
          <p class="soft small">
            {on
              ? 'Clients of this project may send messages.'
              : 'While it is off, every message of this project is refused with accessNotConfigured.'}
          </p>
        </div>
        {may(project.role, 'switch-messaging') && (
          <Act
            visit={visit}
            action={`/console/projects/${project.id}/messaging`}
            hidden={{ enabled: on ? '' : 'yes' }}
            inline
          >
            <Button kind={on ? 'quiet' : 'main'}>{on ? 'Switch off' : 'Switch on'}</Button>
          </Act>
        )}
      </div>
    </Card>
  );
}

function apiAccess(project: ProjectView, clients: readonly Client[]): JSX.Element {
  const create = may(project.role, 'change-clients') ? (
    <Button
      href={`/console/projects/${project.id}/clients/new`}
      kind={clients.length === 0 ? 'main' : 'quiet'}
    >
      Create an OAuth 2.0 client ID
    </Button>
  ) : undefined;
  if (clients.length === 0) {
    return (
      <Card title="API access">
        <EmptyState title="No client yet" action={create}>
          A client is the program that sends. With its id and secret, and the consent of an account that owns
          the app, it gets access tokens.
        </EmptyState>
      </Card>
    );
  }
  return (
    <Card title="API access" lead="OAuth 2.0 clients: the programs that send.">
      {create && <div>{create}</div>}
      <Table
        caption="OAuth clients of the project"
        columns={['Client', 'Redirect URIs']}
        rows={clients.map((client) => [
          <>
            <a href={`/console/clients/${client.id}`}>{client.name}</a>
            <small>
              <Id of={client.id} />
            </small>
          </>,
          client.redirectUris.length === 0
            ? 'none'
            : client.redirectUris.map((uri) => <div class="breaks">{uri}</div>),
        ])}
      />
    </Card>
  );
}

const Usage = ({ project }: { project: ProjectView }): JSX.Element => {
  const { acceptedToday, quota } = project;
  if (quota === 0)
    return <p>{acceptedToday.toLocaleString('en')} messages. This project has no daily limit.</p>;
  const warning = [0.95, 0.8].find((part) => acceptedToday >= quota * part);
  return (
    <div class="stack">
      <p>
        <strong>{acceptedToday.toLocaleString('en')}</strong> of {quota.toLocaleString('en')} messages{' '}
        {acceptedToday >= quota ? (
          <Badge kind="error">used up until midnight UTC</Badge>
        ) : (
          warning !== undefined && <Badge kind="warning">{warning * 100} % used up</Badge>
        )}
      </p>
      <meter
        class="usage"
        min={0}
        max={quota}
        high={quota * 0.8}
        value={acceptedToday}
        aria-label="Messages accepted today"
      />
    </div>
  );
};

function changesCard(visit: Visit, project: ProjectView): JSX.Element {
  const home = `/console/projects/${project.id}`;
  return (
    <Card title="Change or remove">
      <Facts of={[['Created', <Time at={project.createdAt} />]]} />
      <More label="Rename the project">
        <Act visit={visit} action={`${home}/rename`}>
          <Field label="Name" name="name" value={project.name} required maxlength={80} />
          <div>
            <Button>Rename</Button>
          </div>
        </Act>
      </More>
      {may(project.role, 'remove-project') && (
        <More label="Remove the project">
          <p>
            Its clients, their secrets and every grant to them end at once. Messages that were accepted are
            still delivered.
          </p>
          <Act visit={visit} action={`${home}/remove`}>
            <Check name="sure" required>
              Remove {project.name} for good
            </Check>
            <div>
              <Button kind="danger">Remove project</Button>
            </div>
          </Act>
        </More>
      )}
    </Card>
  );
}

function usageText({ acceptedToday, quota }: ProjectView): string {
  const used = acceptedToday.toLocaleString('en');
  return quota === 0 ? used : `${used} of ${quota.toLocaleString('en')}`;
}
