import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Argument, Command } from 'commander';
import { chromiumPath, firefoxPath } from '../dev-env/installed-browsers.ts';
import type { BrowserSettings } from '../protocol/browser-settings.ts';
import { readBrowserSettings } from './browser-settings.ts';
import { CliError, defaultServer, readServer } from './call.ts';
import { chromiumArguments, type Launch, mcsShut } from './chromium.ts';
import { copyExtension, type ExtensionPlan, geckoIdOf, planExtension } from './extension-copy.ts';
import { firefoxArguments, firefoxFiles } from './firefox.ts';
import { Records } from './records.ts';
import { shellWord } from './shell-word.ts';
import { authorityOf, certificateToPin } from './trust.ts';

interface BrowserFlags {
  readonly server: string;
  readonly ca?: string;
  readonly profile?: string;
  readonly load?: string;
  readonly headless?: boolean;
  readonly print?: boolean;
}

/** Everything that starting takes, decided. */
interface Plan {
  readonly kind: 'chromium' | 'firefox';
  readonly program: string;
  readonly extension: ExtensionPlan | undefined;
  /** Arguments for a profile folder, and the folder of the extension's copy. */
  arguments(profile: string, extension: string | undefined): readonly string[];
  /** Files that the profile needs, by their names in it. */
  files(extension: string | undefined): Readonly<Record<string, string>>;
}

/** `reveille browser`: a stock browser whose push service is ours. */
export function browserVerb(): Command {
  return new Command('browser')
    .description(
      'Start a stock browser that uses this server as its push service, in a profile that is thrown away at the end.',
    )
    .addArgument(new Argument('<browser>').choices(['chromium', 'firefox']))
    .argument('[more...]', 'after --: further arguments of the browser, such as a page to open')
    .option('--server <url>', 'the server', defaultServer)
    .option('--ca <file>', 'the authority of its certificate (default: the one that cert made here)')
    .option('--profile <folder>', 'keep the profile in this folder')
    .option('--load <folder>', 'load an unpacked extension, fitted to this server in a temporary copy')
    .option('--headless', 'without a window')
    .option('--print', 'show what would be started, and start nothing')
    .action(async (kind: Plan['kind'], more: readonly string[], flags: BrowserFlags) => {
      const plan = await planOf(kind, more, flags);
      if (flags.print === true) console.log(printed(plan, flags.profile));
      else process.exitCode = await run(plan, flags.profile);
    });
}

async function planOf(kind: Plan['kind'], more: readonly string[], flags: BrowserFlags): Promise<Plan> {
  const server = readServer(flags.server);
  const authority = authorityOf(flags.ca);
  const settings = await readBrowserSettings(server, authority);
  const secure = secureDoors(kind, server, settings);
  const found = await Promise.all(
    secure.map(async (endpoint) => ({ endpoint, certificate: await certificateToPin(endpoint, authority) })),
  );
  const pinned = found.flatMap(({ endpoint, certificate }) =>
    certificate === undefined ? [] : [{ endpoint, certificate }],
  );
  const { demo } = await new Records(server).load();
  const extension = flags.load === undefined ? undefined : await planExtension(flags.load, server, demo);
  const launch: Omit<Launch, 'extension'> = {
    start: `${server}/`,
    headless: flags.headless === true,
    pinned: pinned.map(({ certificate }) => certificate),
    more,
  };
  if (kind === 'chromium')
    return {
      kind,
      program: installed(chromiumPath),
      extension,
      arguments: (profile, copy) => chromiumArguments(settings, profile, { ...launch, extension: copy }),
      files: () => ({}),
    };
  const id = extension === undefined ? undefined : geckoIdOf(extension);
  return {
    kind,
    program: installed(firefoxPath),
    extension,
    arguments: (profile, copy) => firefoxArguments(profile, { ...launch, extension: copy }),
    files: (copy) =>
      firefoxFiles(
        settings,
        launch,
        pinned.map(({ endpoint }) => endpoint),
        copy === undefined || id === undefined ? undefined : { id, folder: copy },
      ),
  };
}

/** The addresses at which this browser speaks TLS with the server. */
function secureDoors(kind: Plan['kind'], server: string, { chromium }: BrowserSettings): readonly string[] {
  const main = server.startsWith('https:') ? [server] : [];
  if (kind === 'firefox') return main;
  if (chromium.mcsEndpoint === null) throw new CliError(mcsShut);
  return [...main, chromium.mcsEndpoint];
}

function installed(find: () => string): string {
  try {
    return find();
  } catch (error) {
    throw new CliError((error as Error).message);
  }
}

/** Lines for a shell that start the same browser. */
function printed(plan: Plan, kept: string | undefined): string {
  const { extension } = plan;
  const lines: string[] = [];
  if (extension !== undefined)
    lines.push(
      `# In a copy of ${extension.folder}, manifest.json says:`,
      `#   "push_messaging": ${JSON.stringify(extension.manifest.push_messaging)}`,
      `#   "key": ${JSON.stringify(extension.manifest.key ?? null)}`,
      `copy=$(mktemp -d) && cp -R ${shellWord(`${extension.folder}/.`)} "$copy"`,
      `cat > "$copy/manifest.json" <<'END'`,
      JSON.stringify(extension.manifest, null, 2),
      'END',
    );
  lines.push(kept === undefined ? 'profile=$(mktemp -d)' : `profile=${shellWord(resolve(kept))}`);
  const copy = extension === undefined ? undefined : '$copy';
  for (const [name, text] of Object.entries(plan.files(copy))) {
    const folder = name.includes('/') ? [`mkdir -p "$profile/${name.slice(0, name.lastIndexOf('/'))}"`] : [];
    // Unquoted where the shell is to put in the folder's name; nothing else in these files is special to it.
    const quote = text.includes('$copy') ? 'END' : "'END'";
    lines.push(...folder, `cat > "$profile/${name}" <<${quote}`, text.replace(/\n$/, ''), 'END');
  }
  const words = plan.arguments('$profile', copy).map((word) => shellWord(word, ['$profile', '$copy']));
  lines.push([shellWord(plan.program), ...words].join(' \\\n  '));
  return lines.join('\n');
}

/** Starts the browser and waits until it ends. Answers its exit code; 0 when it ended because we were told to end. */
async function run(plan: Plan, kept: string | undefined): Promise<number> {
  const profile = kept === undefined ? await mkdtemp(join(tmpdir(), 'reveille-browser-')) : resolve(kept);
  const extension = plan.extension === undefined ? undefined : await copyExtension(plan.extension);
  try {
    await fillProfile(profile, plan.files(extension));
    console.error(introduction(plan, profile, kept));
    return await browse(plan.program, plan.arguments(profile, extension));
  } finally {
    const thrownAway = [
      ...(kept === undefined ? [profile] : []),
      ...(extension === undefined ? [] : [extension]),
    ];
    await Promise.all(thrownAway.map((folder) => removeForGood(folder)));
  }
}

/** Some processes of Chromium outlive its first one by a moment, and what they write makes the profile's folder anew. */
async function removeForGood(folder: string): Promise<void> {
  for (let tries = 0, gone = 0; tries < REMOVALS_MAX && gone < REMOVALS_SURE; tries++) {
    gone = existsSync(folder) ? 0 : gone + 1;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    await new Promise((resolve) => setTimeout(resolve, REMOVAL_MS));
  }
}

const REMOVALS_MAX = 100;
/** So many looks in a row found nothing. */
const REMOVALS_SURE = 4;
const REMOVAL_MS = 50;

async function fillProfile(profile: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(profile, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(profile, name, '..'), { recursive: true });
    await writeFile(join(profile, name), text, { mode: 0o600 });
  }
}

function introduction({ kind, extension }: Plan, profile: string, kept: string | undefined): string {
  const where = kept === undefined ? `${profile}, removed at the end` : profile;
  const loaded =
    extension === undefined
      ? ''
      : `\n  ${extension.manifest.name} runs as ${
          extension.runsAs === undefined
            ? 'the app that its own key names'
            : `the app of bootstrap, ${extension.runsAs}`
        }.`;
  return `Starting ${kind} with this server as its push service, for every site and extension of the profile.
  Profile: ${where}.${loaded}`;
}

function browse(program: string, args: readonly string[]): Promise<number> {
  const { promise, resolve: ended, reject } = Promise.withResolvers<number>();
  let told = false;
  const stop = () => {
    told = true;
    browser.kill('SIGTERM');
  };
  // Before the browser is there: whoever sees it start may end this command at once.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const browser = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  browser.once('error', (error) => reject(new CliError(`${program} does not start (${error.message}).`)));
  browser.once('exit', (code) => {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    ended(told ? 0 : (code ?? 1));
  });
  return promise;
}
