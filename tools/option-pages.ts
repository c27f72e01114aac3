import type { Command } from 'commander';
import { defaultServer } from '../cli/call.ts';
import { program } from '../cli/program.ts';
import { type Setting, settings } from '../server/config/env.ts';

/** Where the pages live, seen from the project's folder. */
export const commandPagePath = 'docs/cli.md';
export const settingPagePath = 'docs/configuration.md';

/** Every verb with its arguments and flags, made from what commander knows. */
export function commandPage(): string {
  const verbs = program().commands.flatMap((verb) => (verb.commands.length > 0 ? verb.commands : [verb]));
  return `# The command line

Made from \`cli/\` by \`npm run fmt\`; edit it there. \`./bin/reveille\` runs from any folder, \`./bin/reveille VERB --help\` says the same
as this page. A verb that talks to a server takes \`--server\`, else the variable \`REVEILLE_SERVER\`, else
\`http://127.0.0.1:8030\`. The exit code is 0 when all went well and 1 when not, with one sentence on standard error that says what to do.

${verbs.map(verbSection).join('\n')}`;
}

function verbSection(verb: Command): string {
  const parents = verb.parent === null || verb.parent.parent === null ? '' : `${verb.parent.name()} `;
  const name = `${parents}${verb.name()}`;
  const names = new Set(Object.values(settings).map(({ flag }): string => flag));
  const own = verb.options.filter(({ flags }) => !takesSettings(verb) || !names.has(flags));
  const rows = [
    ...verb.registeredArguments.map((argument) =>
      row(
        argument.required ? `\`<${argument.name()}>\`` : `\`[${argument.name()}]\``,
        argument.description,
        argument.defaultValue,
      ),
    ),
    ...own.map((option) =>
      row(`\`${option.flags}\``, option.description, option.defaultValue, option.argChoices),
    ),
  ];
  const table =
    rows.length === 0 ? '' : `\n| argument or flag | what | default |\n|---|---|---|\n${rows.join('\n')}\n`;
  const all = takesSettings(verb) ? '\nIt takes every flag of [Configuration](configuration.md).\n' : '';
  return `## ${name}\n\n${cell(verb.description())}\n\n\`./bin/reveille ${parents}${verb.name()} ${verb.usage()}\`\n${all}${table}`;
}

/** True for the verbs that have all settings of the service as flags. */
function takesSettings(verb: Command): boolean {
  const flags = new Set(verb.options.map((option) => option.flags));
  return Object.values(settings).every(({ flag }) => flags.has(flag));
}

function row(name: string, what: string, fallback: unknown, choices: readonly string[] = []): string {
  const values = choices.length === 0 ? '' : ` (${choices.join(', ')})`;
  // What the environment of the one who makes the page says is not the default.
  const said = fallback === defaultServer ? 'http://127.0.0.1:8030' : fallback;
  const standard = typeof said === 'string' && said !== '' ? `\`${said}\`` : '';
  return `| ${name} | ${cell(what)}${values} | ${standard} |`;
}

/** Every setting of the service: flag, variable, default, what it takes. */
export function settingPage(): string {
  const rows = Object.values(settings).map(
    ({ flag, variable, fallback, about, choices }: Setting) =>
      `| \`${flag}\` | \`${variable}\` | ${fallback === undefined ? '' : `\`${fallback}\``} | ${cell(about)}${choices === undefined ? '' : ` (${choices.join(', ')})`} |`,
  );
  return `# Configuration

Made from \`server/config/env.ts\` by \`npm run fmt\`; edit it there. Each setting of \`reveille serve\` is a flag and an environment
variable; a flag wins, and an empty variable counts as not given. There is no configuration file: a unit of systemd reads
variables from one ([Operating](operating.md)). A setting that cannot be read, or two that contradict each other, stop the start
with a text that names the flag, the variable and what it takes. \`reveille doctor\` takes the same settings and looks whether they work.

| flag | variable | default | what |
|---|---|---|---|
${rows.join('\n')}

\`REVEILLE_SECRETS\` holds the ring of keys itself, one key a line, and has no flag: others can read a command line. It stands in
place of \`--secrets-file\`. \`OTEL_SERVICE_NAME\` and \`OTEL_EXPORTER_OTLP_HEADERS\` are read by OpenTelemetry's own library.

What a project or a user may do beyond these (payload, messages a day, devices) is raised for each project in
[the console](console.md). Fixed bounds are in \`protocol/limits.ts\`.
`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
