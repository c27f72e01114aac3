import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Argument, Command } from 'commander';
import { isAppId } from '../protocol/app-id.ts';
import { UPDATE_PATH } from '../server/webstore/items.ts';
import { readBrowserSettings } from './browser-settings.ts';
import { CliError, defaultServer, readServer } from './call.ts';
import { pushSwitches } from './chromium.ts';
import { chromiumFiles, type Fleet, type FleetExtension, firefoxFleetFiles } from './fleet-files.ts';
import { authorityOf } from './trust.ts';

interface PolicyFlags {
  readonly server: string;
  readonly ca?: string;
  readonly extension?: readonly string[];
  readonly notifications?: readonly string[];
  readonly to?: string;
}

/** `reveille policy`: the files that set every browser of a machine. */
export function policyVerb(): Command {
  return new Command('policy')
    .description('Print the files that make this server the push service of every browser of a machine.')
    .addArgument(new Argument('<browser>').choices(['chromium', 'firefox']))
    .option('--server <url>', 'the server', defaultServer)
    .option('--ca <file>', 'the authority of its certificate (default: the one that cert made here)')
    .option(
      '--extension <id;url...>',
      "extension to install: its id, a semicolon, its update manifest (Chromium) or package (Firefox); for Chromium the id alone takes it from the server's store",
    )
    .option('--notifications <origins...>', 'sites that may notify and so be pushed to, beside the server')
    .option('--to <folder>', 'write the files below this folder instead, such as / or the root of an image')
    .action(async (kind: 'chromium' | 'firefox', flags: PolicyFlags) => {
      const files = await filesOf(kind, flags);
      if (flags.to === undefined) console.log(files.map(([path, text]) => `# ${path}\n${text}`).join('\n'));
      else await write(flags.to, files);
    });
}

async function filesOf(
  kind: 'chromium' | 'firefox',
  flags: PolicyFlags,
): Promise<readonly (readonly [path: string, text: string])[]> {
  const server = readServer(flags.server);
  const authority = authorityOf(flags.ca);
  const settings = await readBrowserSettings(server, authority);
  const fleet: Fleet = {
    settings,
    authority: authority === undefined ? undefined : new X509Certificate(authority),
    extensions: (flags.extension ?? []).map((text) =>
      readExtension(text, kind === 'chromium' ? server + UPDATE_PATH : undefined),
    ),
    notifications: [server, ...(flags.notifications ?? []).map(readOrigin)],
  };
  const files = kind === 'chromium' ? chromiumFiles(fleet, pushSwitches(settings)) : firefoxFleetFiles(fleet);
  return Object.entries(files);
}

/** @param store where an extension is from that is named by its id alone; undefined refuses such. */
function readExtension(text: string, store: string | undefined): FleetExtension {
  const [id = '', ...rest] = text.split(';');
  const url = URL.parse(store !== undefined && isAppId(text) ? store : rest.join(';'));
  if (id === '' || url === null)
    throw new CliError(`--extension takes an id, a semicolon and a URL, not ${JSON.stringify(text)}.`);
  return { id, url: url.href };
}

function readOrigin(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.origin === 'null')
    throw new CliError(
      `--notifications takes sites such as https://app.example, not ${JSON.stringify(text)}.`,
    );
  return url.origin;
}

async function write(root: string, files: readonly (readonly [string, string])[]): Promise<void> {
  for (const [path, text] of files) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text, { mode: 0o644 });
    console.log(target);
  }
}
