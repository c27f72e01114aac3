import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.ts';
import { parseSource, type SourceFile } from './source-file.ts';

/** Every file of the project that is there and not ignored, paths with slashes, sorted. */
export function projectFiles(): string[] {
  const listed = Bun.spawnSync(['git', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
  });
  if (listed.exitCode !== 0) throw new Error(`git ls-files failed: ${listed.stderr}`);
  const names = listed.stdout.toString().split('\0');
  return names.filter((name) => name !== '' && existsSync(join(root, name))).sort();
}

/** The TypeScript of the project, parsed. Examples are what users write; they import as users do and are no part of the house. */
export async function sourceTree(): Promise<SourceFile[]> {
  const paths = projectFiles().filter((path) => /\.tsx?$/.test(path) && !path.startsWith('examples/'));
  return await Promise.all(paths.map(async (path) => parseSource(path, await readProjectFile(path))));
}

/** Text of a file, path seen from the project's folder. */
export function readProjectFile(path: string): Promise<string> {
  return Bun.file(join(root, path)).text();
}

/** Numbers of the rules in SPEC.md, in order, with repetitions. */
export function rulesOf(spec: string): string[] {
  return [...spec.matchAll(/^- \*\*([A-Z]{2,3}[0-9]+)\*\*/gm)].map((match) => match[1] ?? '');
}

/** The rules that a test title begins with: "OR1 OR2 versions rise" gives both. */
export function rulesOfTitle(title: string): string[] {
  const head = /^(?:[A-Z]{2,3}[0-9]+[,:]? +)+/.exec(title)?.[0] ?? '';
  return head.match(/[A-Z]{2,3}[0-9]+/g) ?? [];
}
