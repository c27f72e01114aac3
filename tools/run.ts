import { fileURLToPath } from 'node:url';

/** The project's folder, with a slash at its end. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** No step takes longer, browsers included: one that does hangs, and is ended together with what it started. */
const stepMs = 10 * 60_000;

/** Runs a program in the project's folder with its output on ours; answers its exit code. */
export async function run(command: readonly string[], limitMs: number = stepMs): Promise<number> {
  // A group of its own, so that the children of a step that hangs end with it.
  const child = Bun.spawn([...command], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    detached: true,
  });
  return await withLimit(child, command, limitMs);
}

/** The same, with its output, errors included, on ours all at once when it has ended: for what runs beside another. */
export async function runAside(command: readonly string[], limitMs: number = stepMs): Promise<number> {
  const child = Bun.spawn([...command], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  });
  const [out, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    withLimit(child, command, limitMs),
  ]);
  console.log(out + errors);
  return code;
}

/** The same, with what it printed to standard output as text as well. */
export async function runAndRead(
  command: readonly string[],
  limitMs: number = stepMs,
): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
    detached: true,
  });
  const [output, code] = await Promise.all([
    new Response(child.stdout).text(),
    withLimit(child, command, limitMs),
  ]);
  return { code, output };
}

const running = new Set<number>();

/** Ends what a step started: a runner that hangs may have left servers and browsers. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of the group is left.
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const pid of running) endGroup(pid);
    process.exit(1);
  });
}

async function withLimit(
  child: Pick<Bun.Subprocess, 'pid' | 'exited'>,
  command: readonly string[],
  limitMs: number,
): Promise<number> {
  running.add(child.pid);
  const timeout = setTimeout(() => {
    console.error(`This did not end within ${limitMs / 1_000} s and was stopped: ${command.join(' ')}`);
    endGroup(child.pid);
  }, limitMs);
  try {
    return await child.exited;
  } finally {
    clearTimeout(timeout);
    running.delete(child.pid);
    endGroup(child.pid);
  }
}

/** The path of a program that came with npm's packages. */
export function packaged(program: string): string {
  return `${root}node_modules/.bin/${program}`;
}
