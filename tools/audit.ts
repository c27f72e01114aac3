import { z } from 'zod';
import { root } from './run.ts';

const report = z.object({
  metadata: z.object({
    vulnerabilities: z.object({ high: z.number(), critical: z.number(), total: z.number() }),
  }),
});

/** What `npm audit --json` printed, judged: null = the registry gave no answer. */
export function judgeAudit(output: string): { readonly severe: number; readonly total: number } | null {
  let said: unknown;
  try {
    said = JSON.parse(output);
  } catch {
    return null;
  }
  const { data } = report.safeParse(said);
  if (data === undefined) return null;
  const { high, critical, total } = data.metadata.vulnerabilities;
  return { severe: high + critical, total };
}

/** Asks the registry for known faults in what the service runs on. Answers whether nothing stands in the way; not to be asked is no fault. */
export async function auditPackages(): Promise<boolean> {
  console.log('\n# known faults of packages (npm audit)');
  const child = Bun.spawn(['npm', 'audit', '--omit=dev', '--json'], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 60_000,
  });
  const found = judgeAudit(await new Response(child.stdout).text());
  await child.exited;
  if (found === null) {
    console.log('(not asked) the registry did not answer, so nothing is known of faults in packages');
    return true;
  }
  const { severe, total } = found;
  console.log(
    severe === 0
      ? `(pass) ${total} known faults, none high or critical`
      : `(fail) ${severe} known faults that are high or critical: npm audit --omit=dev names them`,
  );
  return severe === 0;
}
