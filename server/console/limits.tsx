import type { FC } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import type { Project } from '../oauth/projects.ts';
import { Card, EmptyState } from '../pages/content.tsx';
import { Button, Field } from '../pages/form.tsx';
import { Act, ConsolePage } from './frame.tsx';
import type { Visit } from './visit.ts';

/** Sets what a project may send; empty = what holds for all. */
export const LimitsForm: FC<{ visit: Visit; project: Project }> = ({ visit, project }) => (
  <Act visit={visit} action={`/console/projects/${project.id}/limits`} inline>
    <Field
      label="Messages a day"
      name="dailyQuota"
      id={`quota-${project.id}`}
      type="number"
      value={project.dailyQuota?.toString() ?? ''}
      placeholder="server's default"
    />
    <Field
      label="Payload, bytes"
      name="payloadBytes"
      id={`payload-${project.id}`}
      type="number"
      value={project.payloadBytes?.toString() ?? ''}
      placeholder="server's default"
    />
    <Field
      label="Channels a day by /v2"
      name="dailyTargets"
      id={`targets-${project.id}`}
      type="number"
      value={project.dailyTargets?.toString() ?? ''}
      placeholder="server's default"
    />
    <Field
      label="Subchannels at /v2"
      name="subchannels"
      id={`subchannels-${project.id}`}
      type="number"
      value={project.subchannels?.toString() ?? ''}
      placeholder="server's default"
    />
    <Button kind="quiet" label={`Save the limits of ${project.name}`}>
      Save
    </Button>
  </Act>
);

/** The administrator's page: limits of every project of the server. */
export function limitsPage(
  visit: Visit,
  projects: readonly Project[],
  defaults: { readonly dailyQuota: number; readonly payloadBytes: number },
  fault?: string,
): JSX.Element {
  const quota =
    defaults.dailyQuota === 0
      ? 'no limit of messages'
      : `${defaults.dailyQuota.toLocaleString('en')} messages`;
  return (
    <ConsolePage
      visit={visit}
      title="Limits per project"
      lead={`Without a limit of its own a project has ${quota} a day, ${defaults.payloadBytes} bytes a payload, ${limits.dailyTargets.toLocaleString('en')} channels a day that /v2 reaches, and ${limits.subchannels} subchannels; the most subchannels are ${limits.subchannelsMax}. 0 messages or channels means no limit.`}
      fault={fault}
    >
      {projects.length === 0 && (
        <EmptyState
          title="No project on this server yet"
          action={<Button href="/console/projects">Create a project</Button>}
        >
          As soon as someone creates a project you can raise or lower here what it may send.
        </EmptyState>
      )}
      {projects.map((project) => (
        <Card title={project.name} lead={project.id}>
          <LimitsForm visit={visit} project={project} />
        </Card>
      ))}
    </ConsolePage>
  );
}
