import { Command, Option } from 'commander';
import { type Config, decideConfig } from '../server/config/config.ts';
import { type RawSettings, readEnvironment, type Setting, settings } from '../server/config/env.ts';

/** `reveille serve`: runs the service until it is told to stop. */
export function serveVerb(): Command {
  return withSettings(new Command('serve').description('Run the service until SIGTERM or Ctrl+C.')).action(
    async (flags: RawSettings) => {
      await serve(configOf(flags));
    },
  );
}

/** Adds every setting of the service as a flag that says its default and its variable. */
export function withSettings(command: Command): Command {
  for (const setting of Object.values(settings) as Setting[]) {
    const fallback = setting.fallback === undefined ? '' : ` (default: ${setting.fallback})`;
    const option = new Option(setting.flag, `${setting.about}${fallback} [${setting.variable}]`);
    if (setting.choices !== undefined) option.choices([...setting.choices]);
    command.addOption(option);
  }
  return command;
}

/** Flags over environment. @throws ConfigError */
export function configOf(flags: RawSettings): Config {
  const environment = process.env;
  const secrets = environment.REVEILLE_SECRETS || undefined;
  return decideConfig({ ...readEnvironment(environment), ...flags }, secrets);
}

async function serve(config: Config): Promise<void> {
  // Loaded here: the other verbs start without the weight of the server.
  const { startServer } = await import('../server/main.ts');
  const running = await startServer(config);
  // Before anything is printed: whoever reads that it listens may stop it at once.
  const stopped = stopSignal();
  console.log(`Reveille is listening on ${running.origin}`);
  console.log(`  ${chromiumsDoor(running.mcsPort)}`);
  console.log(nextSteps(config, running.origin, running.setUpCode));
  await stopped;
  await running.stop();
}

/** Chromium's push client has a port of its own, which a service without a certificate cannot open. */
function chromiumsDoor(mcsPort: number | undefined): string {
  return mcsPort === undefined
    ? "Chromium's push client is not let in: it speaks TLS only, and there is no certificate. Make one: ./bin/reveille cert"
    : `Chromium's push client is let in on port ${mcsPort}.`;
}

/** What a newcomer does now. @param setUpCode when the first account still has to be made and needs it. */
function nextSteps(config: Config, origin: string, setUpCode: string | undefined): string {
  const code = setUpCode === undefined ? '' : `  The set-up code for the first account: ${setUpCode}\n`;
  const elsewhere = origin === 'http://127.0.0.1:8030' ? '' : ` --server ${origin}`;
  return `${code}  Next: open ${origin}/ in a browser, where the first account becomes the administrator,
        or say in another shell: ./bin/reveille bootstrap${elsewhere}
  Kept in ${config.dataFolder}. Ctrl+C stops it politely; README.md shows a first message in five minutes.`;
}

/** Settles at the first SIGTERM or SIGINT; the second ends the process at once, for whoever cannot wait. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
