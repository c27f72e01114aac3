/** Programs that the tests need beside npm's packages, and the Debian package that brings each. */
const needed = [
  { package: 'chromium', programs: ['chromium', 'chromium-browser'] },
  { package: 'firefox-esr', programs: ['firefox-esr', 'firefox'] },
  { package: 'strace', programs: ['strace'] },
] as const;

/** The packages of those programs that are not installed. */
export function missingPackages(which: (program: string) => string | null = Bun.which): string[] {
  return needed
    .filter(({ programs }) => !programs.some((program) => which(program) !== null))
    .map((need) => need.package);
}

/** What a reader types to mend it. */
export function aptLine(packages: readonly string[]): string {
  return `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/**
 * Installs what is missing when this process may (root, and a system with apt).
 * @throws Error that names the line to type; the tests never skip what they cannot run.
 */
export async function ensureSystemPackages(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const line = aptLine(missing);
  if (process.getuid?.() !== 0 || Bun.which('apt-get') === null) {
    throw new Error(`The tests need ${missing.join(' and ')}. As root: ${line}`);
  }
  console.log(`Installing ${missing.join(' and ')} …`);
  const child = Bun.spawn(['sh', '-c', line], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code === 0 && missingPackages().length === 0) return;
  throw new Error(
    `This failed with exit code ${code}: ${line}\n${output.slice(-2_000)}${errors.slice(-2_000)}`,
  );
}
