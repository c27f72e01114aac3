import type { Mail } from '../mail/mailer.ts';
import type { QuotaWarning } from './quota-watch.ts';

/** What an owner of the project reads. */
export function warningMail(to: string, origin: string, warning: QuotaWarning): Mail {
  const { project, percent, accepted, limit, resetsAt } = warning;
  const until = `${new Date(resetsAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return {
    to,
    subject: `A project has used ${percent} % of its messages today`,
    text: `Hello,

your project "${project.name}" has sent ${accepted.toLocaleString('en')} of the
${limit.toLocaleString('en')} messages that it may send today. When all are used up,
further ones are refused until
${until}.

${origin}/console/projects/${project.id}

If it needs more, ask whoever runs the service to raise its limit.
`,
  };
}
