import { access, constants, mkdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Config, originOf } from '../server/config/config.ts';
import { call } from './call.ts';

/** One thing that doctor looked at. `mend` says what to do about it. */
export interface Finding {
  readonly state: 'good' | 'note' | 'wrong';
  readonly subject: string;
  readonly fact: string;
  readonly mend?: string;
}

/** Below this the next busy day fills the disk. */
const freeBytesMin = 512 * 1024 * 1024;
/** Every connected device holds a descriptor; the default of many systems is 1,024. */
const openFilesMin = 8_192;
/** Sign-ins and tokens are dated: a clock that is off by more ends them early or late. */
const clockOffMsMax = 5_000;
/** No release of Reveille is older: a clock before it was never set. */
const earliestMs = Date.UTC(2026, 0, 1);

const good = (subject: string, fact: string): Finding => ({ state: 'good', subject, fact });
const wrong = (subject: string, fact: string, mend: string): Finding => ({
  state: 'wrong',
  subject,
  fact,
  mend,
});
const note = (subject: string, fact: string, mend: string): Finding => ({
  state: 'note',
  subject,
  fact,
  mend,
});

/**
 * Is the port free, or is Reveille on it? `running` is the origin at which it answers.
 * @param authority whom to trust beside the public ones, in PEM; here and below
 */
export async function checkPort(
  config: Config,
  authority?: string,
): Promise<{ finding: Finding; running: string | undefined }> {
  const { host, port } = config;
  const subject = `port ${port} on ${host}`;
  const error = await listenError(host, port);
  if (error === undefined) return { finding: good(subject, 'free'), running: undefined };
  if (error !== 'EADDRINUSE') return { finding: wrong(subject, error, mendOf(error)), running: undefined };
  const reached = await healthAt(
    `http${config.tls === undefined ? '' : 's'}://${anyLocal(host)}:${port}`,
    authority,
  );
  if (reached.healthy)
    return { finding: good(subject, 'Reveille is running there'), running: reached.origin };
  const finding = wrong(
    subject,
    'another program has it',
    'End that program, or give --port another number.',
  );
  return { finding, running: undefined };
}

function mendOf(error: string): string {
  if (error === 'EACCES')
    return 'Ports below 1024 need rights of their own: use a higher --port behind a proxy.';
  if (error === 'EADDRNOTAVAIL') return 'This machine does not have that address: correct --host.';
  return 'Correct --host and --port.';
}

/** An address that stands for all is reached at loopback. */
function anyLocal(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function listenError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

async function healthAt(
  origin: string,
  authority: string | undefined,
): Promise<{ origin: string; healthy: boolean; date: string | null }> {
  try {
    const answer = await call(origin, '/healthz', { authority });
    return { origin, healthy: answer.ok, date: answer.headers.get('date') };
  } catch {
    return { origin, healthy: false, date: null };
  }
}

/** Can everything be kept in the folder, and only its owner read it? */
export async function checkDataFolder(folder: string): Promise<Finding> {
  const subject = `data folder ${folder}`;
  const existing = await stat(folder).catch(() => undefined);
  if (existing === undefined) {
    const parent = await nearestFolder(dirname(folder));
    const writable = await access(parent, constants.W_OK).then(
      () => true,
      () => false,
    );
    return writable
      ? good(subject, 'not there; serve will make it')
      : wrong(
          subject,
          `not there, and ${parent} cannot be written`,
          'Make it for this user, or give --data.',
        );
  }
  if (!existing.isDirectory()) return wrong(subject, 'is no folder', 'Give --data the name of a folder.');
  const trial = join(folder, `.doctor-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(trial, '');
    await rm(trial);
  } catch (error) {
    return wrong(
      subject,
      `cannot be written (${(error as NodeJS.ErrnoException).code})`,
      'Give it to the user who runs serve.',
    );
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const megabytes = `${Math.floor(free / 1024 / 1024)} MB free`;
  if (free < freeBytesMin)
    return wrong(subject, megabytes, 'Make room: on a full disk no message is accepted.');
  if ((existing.mode & 0o077) !== 0)
    return note(subject, 'others of this machine can open it', `chmod 700 ${folder}`);
  return good(subject, `can be written, ${megabytes}`);
}

async function nearestFolder(path: string): Promise<string> {
  const there = await stat(path).catch(() => undefined);
  return there !== undefined || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** Is the clock set, and is it the clock of the running server? */
export async function checkClock(running: string | undefined, authority?: string): Promise<Finding> {
  const now = Date.now();
  const text = new Date(now).toISOString();
  const mend = 'Set the clock and keep it set (Debian: apt-get install systemd-timesyncd).';
  if (now < earliestMs) return wrong('clock', text, mend);
  if (running === undefined) return good('clock', text);
  const { date } = await healthAt(running, authority);
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Math.abs(theirs - now) > clockOffMsMax)
    return wrong('clock', `the server's is ${date}, ours ${text}`, mend);
  return good('clock', text);
}

/** How many connections may this process hold? */
export async function checkLimits(): Promise<Finding> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined)
    return note('limits', 'open files cannot be read here', 'ulimit -n says how many there may be.');
  if (soft !== 'unlimited' && Number(soft) < openFilesMin) {
    return note(
      'limits',
      `${soft} open files, one per connected device`,
      'Raise it: ulimit -n 65536, or LimitNOFILE= in the unit.',
    );
  }
  return good('limits', `${soft} open files`);
}

/** Does the service answer where it says that it is? */
export async function checkReachability(
  config: Config,
  running: string | undefined,
  authority?: string,
): Promise<Finding> {
  const origin = originOf(config, config.port);
  if (running === undefined)
    return note('reachability', `nothing runs to be reached at ${origin}`, './bin/reveille serve');
  const reached = await healthAt(origin, authority);
  if (reached.healthy) return good('reachability', `${origin} answers`);
  return wrong(
    'reachability',
    `${origin} does not answer`,
    'Check name, proxy and firewall, or correct --origin.',
  );
}
