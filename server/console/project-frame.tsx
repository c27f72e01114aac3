import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { ConsolePage } from './frame.tsx';
import type { Visit } from './visit.ts';

const parts = [
  ['', 'Settings'],
  ['/traffic', 'Traffic'],
  ['/team', 'Team'],
  ['/messages', 'Recent messages'],
  ['/webhooks', 'Webhooks'],
  ['/history', 'Audit log'],
] as const;

interface ProjectFrameProps {
  readonly visit: Visit;
  readonly project: { readonly id: string; readonly name: string };
  /** Of the part; none for the project's own page. */
  readonly title?: string;
  readonly lead: string;
  readonly action?: Child;
  readonly fault?: string | undefined;
  readonly wide?: boolean | undefined;
}

/** A page of a project, with the way to its other pages. */
export const ProjectFrame: FC<PropsWithChildren<ProjectFrameProps>> = ({
  visit,
  project,
  title,
  lead,
  action,
  fault,
  wide,
  children,
}) => {
  const home = `/console/projects/${project.id}`;
  const projects = ['/console/projects', 'Projects'] as const;
  return (
    <ConsolePage
      visit={visit}
      title={title ?? project.name}
      lead={lead}
      trail={title === undefined ? [projects] : [projects, [home, project.name]]}
      action={action}
      fault={fault}
      wide={wide}
    >
      <nav class="parts" aria-label={`Pages of ${project.name}`}>
        {parts.map(([path, label]) => (
          <a href={home + path} aria-current={partOf(visit.path) === path ? 'page' : undefined}>
            {label}
          </a>
        ))}
      </nav>
      {children}
    </ConsolePage>
  );
};

/** A form that was refused draws its page at an address below it. */
function partOf(path: string): string {
  const [, , , , name = ''] = path.split('/');
  return parts.find(([part]) => part === `/${name}`)?.[0] ?? '';
}
