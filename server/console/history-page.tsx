import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import type { Project } from '../oauth/projects.ts';
import type { ProjectEvent } from '../oauth/team.ts';
import { EmptyState, Table, Time } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { ProjectFrame } from './project-frame.tsx';
import type { Visit } from './visit.ts';

/** What happened, as a person says it. An event that is not here is said by its own name. */
const sentences: Readonly<Record<string, string>> = {
  'project.created': 'Made the project',
  'project.renamed': 'Renamed the project',
  'project.messaging-on': 'Switched messaging on',
  'project.messaging-off': 'Switched messaging off',
  'project.limits': 'Set the limits',
  'project.member-invited': 'Invited',
  'project.invitation-withdrawn': 'Took an invitation back',
  'project.invitation-declined': 'Declined the invitation',
  'project.member-joined': 'Joined',
  'project.member-set': 'Set a role',
  'project.member-removed': 'Took out, or left',
  'client.created': 'Made a client',
  'client.changed': 'Changed a client',
  'client.secret-shown': 'Saw the secret of a client',
  'client.secret-reset': 'Reset the secret of a client',
  'client.removed': 'Removed a client',
  'webhook.created': 'Made a webhook',
  'webhook.changed': 'Changed a webhook',
  'webhook.secret-renewed': 'Renewed the secret of a webhook',
  'webhook.enabled': 'Switched a webhook on again',
  'webhook.disabled': 'A webhook was switched off',
  'webhook.removed': 'Removed a webhook',
};

export interface HistoryPageProps {
  readonly project: Pick<Project, 'id' | 'name'>;
  /** The newest first. */
  readonly events: readonly ProjectEvent[];
  /** Names the first entry of the next page; undefined on the last one. */
  readonly before: number | undefined;
}

/** Who did what to a project, and when. */
export function historyPage(visit: Visit, { project, events, before }: HistoryPageProps): JSX.Element {
  return (
    <ProjectFrame
      visit={visit}
      project={project}
      title="Audit log"
      lead={`Who did what, the newest first. Kept for ${limits.auditDays} days, at most the last ${limits.auditEntriesPerSubject.toLocaleString('en')} entries.`}
    >
      {events.length === 0 ? (
        <EmptyState title="Nothing here">Older entries have gone with time.</EmptyState>
      ) : (
        <Table
          caption="Audit log of the project"
          columns={['What', 'Who', 'When']}
          rows={events.map(({ at, who, event, detail }) => [
            <>
              {sentences[event] ?? event}
              {detail !== '' && <small class="breaks">{detail}</small>}
            </>,
            who,
            <Time at={at} />,
          ])}
        />
      )}
      {before !== undefined && (
        <div>
          <Button kind="quiet" href={`/console/projects/${project.id}/history?before=${before}`}>
            Older entries
          </Button>
        </div>
      )}
    </ProjectFrame>
  );
}
