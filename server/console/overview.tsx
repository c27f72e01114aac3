import type { JSX } from 'hono/jsx/jsx-runtime';
import type { OpenInvitation } from '../oauth/team.ts';
import { Badge, Card } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import type { Membership } from '../webstore/groups.ts';
import { Invitations } from './apps.tsx';
import { ConsolePage } from './frame.tsx';
import { TeamInvitations } from './team-page.tsx';
import type { Visit } from './visit.ts';

/** What stands already; every step of the list is read from here. */
export interface Progress {
  readonly project: { readonly id: string; readonly messagingEnabled: boolean } | undefined;
  readonly client: string | undefined;
  readonly app: string | undefined;
  readonly consented: boolean;
  readonly channels: number;
  readonly sent: boolean;
}

interface Step {
  readonly done: boolean;
  readonly title: string;
  readonly text: string;
  readonly href: string;
  readonly label: string;
}

/** From nothing to a first message, in order. */
export function stepsOf(progress: Progress): readonly Step[] {
  const { project, client, app, consented, channels, sent } = progress;
  const projectHref = project === undefined ? '/console/projects' : `/console/projects/${project.id}`;
  return [
    {
      done: project !== undefined,
      title: 'Create a project',
      text: 'A project is who sends. It has its own switch, clients and daily quota.',
      href: '/console/projects',
      label: 'Create a project',
    },
    {
      done: project?.messagingEnabled === true,
      title: 'Switch messaging on',
      text: 'Under Services of the project: Google Cloud Messaging for Chrome API.',
      href: projectHref,
      label: 'Open the project',
    },
    {
      done: app !== undefined,
      title: 'Register an app',
      text: 'The extension that receives. Let Reveille make its key, or bring the one it has.',
      href: '/console/apps/new',
      label: 'Register an app',
    },
    {
      done: channels > 0,
      title: 'Run the app where you are signed in',
      text: 'Paste the key into its manifest.json, load it in a browser where you are signed in here, and it gets its channel.',
      href: app === undefined ? '/console/apps' : `/console/apps/${app}`,
      label: 'Show the key',
    },
    {
      done: sent,
      title: 'Send yourself a test message',
      text: 'By hand, from this console, and follow it to your device.',
      href: '/console/test',
      label: 'Send a test message',
    },
    {
      done: client !== undefined,
      title: 'Create an OAuth client',
      text: 'The program that sends: it gets an id and a secret.',
      href: project === undefined ? '/console/projects' : `${projectHref}/clients/new`,
      label: 'Create a client',
    },
    {
      done: consented,
      title: 'Allow the client to send in your name',
      text: 'Once. Its refresh token stands until you revoke it; with it your server sends whenever it wants.',
      href: client === undefined ? projectHref : `/console/clients/${client}`,
      label: 'Get a refresh token',
    },
  ];
}

/** The first page after signing in: what to do first, and what is next. */
export function overviewPage(
  visit: Visit,
  progress: Progress,
  groups: readonly Membership[],
  invitations: readonly OpenInvitation[],
): JSX.Element {
  const steps = stepsOf(progress);
  const next = steps.findIndex(({ done }) => !done);
  const doneCount = steps.filter(({ done }) => done).length;
  return (
    <ConsolePage
      visit={visit}
      title={`Hello, ${visit.account.name}`}
      lead={
        next === -1
          ? 'Everything is set up: your server can send, and your browser receives.'
          : 'From here to your first message in a few minutes.'
      }
    >
      <TeamInvitations visit={visit} invitations={invitations} />
      <Invitations visit={visit} groups={groups} />
      <Card title="First steps" lead={`${doneCount} of ${steps.length} done.`}>
        <ol class="checklist">
          {steps.map((step, index) => (
            <StepItem step={step} next={index === next} number={index + 1} />
          ))}
        </ol>
      </Card>
      <div class="tiles">
        <Tile href="/console/projects" title="Projects" text="Who sends: clients, quota, recent messages." />
        <Tile href="/console/apps" title="Apps" text="What receives: ids, keys, who may send." />
        <Tile
          href="/console/receiving"
          title="Receiving"
          text="Apps that may send to you, and your devices."
        />
      </div>
    </ConsolePage>
  );
}

const StepItem = ({ step, next, number }: { step: Step; next: boolean; number: number }): JSX.Element => (
  <li class={step.done ? 'done' : next ? 'next' : undefined} aria-current={next ? 'step' : undefined}>
    <span class="mark" aria-hidden="true">
      {step.done ? '✓' : number}
    </span>
    <div>
      <h3>
        {step.done ? <a href={step.href}>{step.title}</a> : step.title}{' '}
        {step.done && <Badge kind="success">done</Badge>}
      </h3>
      {!step.done && <p>{step.text}</p>}
      {next && (
        <div class="step-action">
          <Button href={step.href}>{step.label}</Button>
        </div>
      )}
    </div>
  </li>
);

const Tile = ({ href, title, text }: { href: string; title: string; text: string }): JSX.Element => (
  <a class="tile" href={href}>
    <strong>{title}</strong>
    <span>{text}</span>
  </a>
);
