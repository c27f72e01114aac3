import { errorTable } from '../protocol/errors.ts';

/** Where the page lives, seen from the project's folder. */
export const errorPagePath = 'docs/errors.md';

/** The table of every error that a reader can meet, made from protocol/errors.ts. */
export function errorPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { status, reason, domain, message, next }]) =>
      `| \`${code}\` | ${status} | \`${domain}/${reason}\` | ${cell(message)} | ${cell(next)} |`,
  );
  return `# Errors

Made from \`protocol/errors.ts\` by \`npm run fmt\`; edit it there. HTTP answers carry status and reason in Google's envelope of
the time, with a sentence made of the message, the detail of the case and what to do next. Of errors with status 5xx the
detail goes to the log only.

| code | status | domain/reason | message | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
