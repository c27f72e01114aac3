import { fileURLToPath } from 'node:url';

/** The project's folder, with a slash at its end. */
export const root: string = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program in the project's folder with its output on ours; answers its exit code. */
export async function run(command: readonly string[]): Promise<number> {
  const child = Bun.spawn([...command], { cwd: root, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
  return await child.exited;
}

/** The same, with what it printed to standard output as text as well. */
export async function runAndRead(command: readonly string[]): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  const output = await new Response(child.stdout).text();
  return { code: await child.exited, output };
}

/** The path of a program that came with npm's packages. */
export function packaged(program: string): string {
  return `${root}node_modules/.bin/${program}`;
}
