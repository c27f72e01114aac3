import type { Bench } from './figure.ts';

const script = (path: string): string => new URL(`../${path}`, import.meta.url).pathname;

/** Runs a load on the core of the load. @throws Error with its output when it fails. */
export async function runLoad<Result>({ pinning }: Bench, file: string, order: object): Promise<Result> {
  const command = [...pinning.load, process.execPath, script(file), JSON.stringify(order)];
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [output, complaint] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (child.exitCode !== 0) throw new Error(`the load ${file} failed: ${complaint}`);
  return JSON.parse(output) as Result;
}

/** A server of a file in bench/ on the core of the servers; it prints its port. */
export async function startBare({ pinning }: Bench, file: string, ...words: readonly string[]) {
  const command = [...pinning.server, process.execPath, script(file), ...words];
  const child = Bun.spawn(command, { stdin: 'ignore', stdout: 'pipe' });
  const { value } = await child.stdout.getReader().read();
  return {
    port: Number(new TextDecoder().decode(value)),
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
