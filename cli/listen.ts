import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { Device } from '../client/device.ts';
import type { DeviceCredentials, Marks, Offer } from '../client/ports.ts';
import { createCall } from '../client/service.ts';
import { signIn } from '../client/sign-in.ts';
import { type Urgency, urgencies } from '../protocol/urgency.ts';
import { CliError, call, defaultServer, readServer } from './call.ts';
import { Handling } from './handling.ts';
import { Records, type ServerRecord } from './records.ts';

interface ListenFlags {
  readonly server: string;
  readonly json?: boolean;
  readonly device: string;
  readonly app?: string;
  readonly urgency?: Urgency;
  readonly confirm: boolean;
}

/** `reveille listen`: a device of the signed-in account, in a terminal. */
export function listenVerb(): Command {
  return new Command('listen')
    .description('Be a device of the signed-in account and print each message as it arrives, until Ctrl+C.')
    .option('--server <url>', 'the server', defaultServer)
    .option('--json', 'print {"ready":true} once live, then one line of JSON per message')
    .option('--device <name>', 'the same name is the same device in every run', 'terminal')
    .option('--app <id>', 'the app (default: the one that bootstrap made)')
    .addOption(
      new Option('--urgency <lowest>', 'the lowest urgency that it wants (default: all)').choices(urgencies),
    )
    .option('--no-confirm', 'show messages without confirming them: they come again')
    .action(async (flags: ListenFlags) => {
      await listen(readServer(flags.server), flags);
    });
}

async function listen(server: string, flags: ListenFlags): Promise<void> {
  const records = new Records(server);
  const record = await records.load();
  const app = flags.app ?? record.demo?.app.id;
  if (app === undefined) throw new CliError(`Say which app: --app ID, or ./bin/reveille bootstrap first.`);
  const file = records.device(flags.device);
  // Another account or app under the same name is another device, with marks of its own.
  const key = (kind: string) => `${kind} ${record.email ?? ''} ${app}`;
  const credentials = (await file.get(key('device'))) as DeviceCredentials | undefined;
  const handling = new Handling();
  let live = (): void => {};
  const ready = new Promise<void>((resolve) => {
    live = resolve;
  });
  const device = new Device({
    origin: server,
    name: `${flags.device} on ${hostname()}`,
    signIn: () => signInAs(server, app, record),
    ...(credentials === undefined ? {} : { credentials }),
    ...(flags.urgency === undefined ? {} : { urgency: flags.urgency }),
    onCredentials: (fresh) => file.set(key('device'), fresh),
    marks: {
      load: async () => ((await file.get(key('marks'))) ?? {}) as Marks,
      // A message is done with when its mark is on disk: from then on it is never shown again.
      save: (marks) => file.set(key('marks'), marks).finally(() => handling.end()),
    },
    confirm: flags.confirm,
    onMessage: async (message) => {
      // Whoever reads our lines is told that we are live before the first message.
      await ready;
      handling.begin();
      try {
        await print(describe(message, flags.json === true));
      } catch (error) {
        handling.end();
        throw error;
      }
      if (!flags.confirm) handling.end();
    },
    onNote: (line) => console.error(`reveille: ${line}`),
  });
  await runUntilStopped(device, handling, async () => {
    await print(flags.json === true ? '{"ready":true}' : `Listening to ${device.channelId}. Ctrl+C ends it.`);
    live();
  });
}

/** How long a stop waits for a message that is being shown. */
const politeMs = 5_000;

async function runUntilStopped(
  device: Device,
  handling: Handling,
  whenLive: () => Promise<void>,
): Promise<void> {
  const stopped = stopSignal();
  const connected = device.connect().then(
    () => true,
    (error: Error) => {
      throw new CliError(error.message, { cause: error });
    },
  );
  if (await Promise.race([connected, stopped])) await whenLive();
  await stopped;
  await handling.idle(politeMs);
  // The confirm leaves in the turn after its mark was written.
  await new Promise((resolve) => setImmediate(resolve));
  device.close();
  process.exit();
}

/**
 * An access token for the app, as an extension gets it: the code flow with PKCE, without a page, the stored sign-in in place
 * of the browser's. The redirect is read and not followed.
 */
function signInAs(server: string, app: string, record: ServerRecord): Promise<string> {
  const { cookie } = record;
  if (cookie === undefined) throw new CliError(`Nobody is signed in to ${server}: ./bin/reveille login.`);
  const launch = async (url: string): Promise<string> => {
    const { pathname, search } = new URL(url);
    const answer = await call(server, `${pathname}${search}`, { headers: { Cookie: cookie } });
    const location = answer.headers.get('location');
    if (location === null) throw new CliError(`${server} answered ${answer.status} instead of a redirect.`);
    return location;
  };
  const ports = { origin: server, appId: app, call: createCall(server, fetch), launch, note: () => {} };
  return signIn(ports, false);
}

function describe({ subchannelId, payload, version }: Offer, json: boolean): string {
  return json ? JSON.stringify({ subchannelId, payload, version }) : `[${subchannelId}] ${payload}`;
}

/** Settles when the line has left: a message is confirmed only after whoever reads us has it. */
function print(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** Settles as false: no longer. */
function stopSignal(): Promise<false> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve(false));
    process.once('SIGINT', () => resolve(false));
  });
}
