import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { cycles } from './cycles.ts';
import { entryPoints, importFault, roomOf } from './house.ts';
import { root } from './run.ts';
import { type SourceFile, testParts } from './source-file.ts';
import { projectFiles, readProjectFile, rulesOf, rulesOfTitle, sourceTree } from './tree.ts';

/** Style as a test. The numbers are the house budgets of STYLE.md; what breaks one is listed by file and line. */
const budget = { functionLines: 70, functionLinesP90: 45, fileLines: 400, importsOfOurs: 20 };

/** True for a file whose work is to put many rooms together. */
const composes = (path: string) => path === 'server/main.ts' || path.startsWith('dev-env/');

const files = projectFiles();
const tree = await sourceTree();
const source = tree.filter((file) => !file.isTest);
const tests = tree.filter((file) => file.isTest);
const spec = await readProjectFile('SPEC.md');

/** Fails with one line per fault, which is all that a reader needs. */
function expectNone(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`\n${faults.join('\n')}`);
}

const at = (file: SourceFile, line: number, text: string) => `${file.path}:${line}  ${text}`;

describe('rooms', () => {
  test('TD1 every file is in a room, and rooms import only what the table allows', () => {
    const homeless = tree
      .filter((file) => roomOf(file.path) === undefined)
      .map((file) => `${file.path}  is in no room`);
    const forbidden = tree.flatMap((file) =>
      file.imports.flatMap((to) => {
        const fault = importFault(file.path, to.path, to.typeOnly);
        return fault === undefined ? [] : [`${file.path}  imports ${to.path}: ${fault}`];
      }),
    );
    expectNone([...homeless, ...forbidden]);
  });

  test('TD2 no imports go in a circle, types included', () => {
    const edges = new Map(tree.map((file) => [file.path, file.imports.map(({ path }) => path)]));
    expectNone(cycles(edges).map((group) => `these import each other: ${group.join(', ')}`));
  });

  test('TD2 an import names a file that is there, with its ending', () => {
    expectNone(
      tree.flatMap((file) =>
        file.imports
          .filter(({ path }) => !existsSync(join(root, path)))
          .map(({ path }) => `${file.path}  imports ${path}`),
      ),
    );
  });

  test('TD3 every source file is imported by another or started by something', () => {
    const alive = new Set(Object.keys(entryPoints));
    for (const file of tree) {
      // A part that only its own tests know is dead; the town and the tests' own parts live for tests.
      const mentions = file.mentions.flatMap((text) => [
        normalize(text),
        normalize(join(dirname(file.path), text)),
      ]);
      for (const path of [...file.imports.map((to) => to.path), ...mentions]) {
        if (!file.isTest || /^(dev-env|e2e|bench|tools)\//.test(path)) alive.add(path);
      }
    }
    const named = { ...entryPoints, ...testParts };
    const gone = Object.keys(named).filter((path) => !files.includes(path));
    expectNone([
      ...source.filter((file) => !alive.has(file.path)).map((file) => `${file.path}  is imported by nobody`),
      ...gone.map((path) => `${path}  is named in tools/house.ts or tools/source-file.ts, but not there`),
    ]);
  });

  test('TD4 nothing is named for having no name', () => {
    const drawer = /^(utils?|helpers?|common|misc|lib)$/;
    const named = (path: string) => path.split('/').some((part) => drawer.test(part.split('.')[0] ?? ''));
    expectNone(files.filter(named).map((path) => `${path}  needs the name of what it is`));
  });
});

describe('sizes', () => {
  const functions = source.flatMap((file) => file.functions.map((one) => ({ ...one, file })));

  test('TD5 a function has at most 70 lines, and nine of ten at most 45', () => {
    const long = functions.filter((one) => one.lines > budget.functionLines);
    expectNone(long.map((one) => at(one.file, one.line, `${one.name} has ${one.lines} lines`)));
    const sorted = functions.map((one) => one.lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThanOrEqual(budget.functionLinesP90);
  });

  test('TD5 a source file has at most 400 lines and 20 imports of ours', () => {
    const long = source
      .filter((file) => file.lines > budget.fileLines)
      .map((file) => `${file.path}  has ${file.lines} lines`);
    const wide = source.filter((file) => file.imports.length > budget.importsOfOurs && !composes(file.path));
    expectNone([
      ...long,
      ...wide.map((file) => `${file.path}  imports ${file.imports.length} files of ours`),
    ]);
  });
});

describe('source', () => {
  test('TD6 no file uses the type any', () => {
    expectNone(tree.flatMap((file) => file.anyLines.map((line) => at(file, line, 'any'))));
  });

  test('TD6 the server reports through events, never through console', () => {
    const silent = source.filter((file) => /^(server|protocol|sender)\//.test(file.path));
    expectNone(silent.flatMap((file) => file.consoleLines.map((line) => at(file, line, 'console'))));
  });

  test('TD7 a reminder in a comment names the decision that it waits for', () => {
    const reminder = /\b(TODO|FIXME|XXX|HACK)\b/;
    const decision = /docs\/decisions\/[0-9]{4}-[a-z0-9-]+\.md/;
    const unfounded = (text: string) => {
      const named = decision.exec(text)?.[0];
      return reminder.test(text) && (named === undefined || !files.includes(named));
    };
    expectNone(
      tree.flatMap((file) =>
        file.comments
          .filter(({ text }) => unfounded(text))
          .map(({ text, line }) => at(file, line, text.trim())),
      ),
    );
  });

  test('TD7 every document has exactly one title, at its top', async () => {
    const documents = files.filter((path) => path.endsWith('.md'));
    const faults = await Promise.all(
      documents.map(async (path) => {
        const outsideCode = (await readProjectFile(path)).replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
        const titles = outsideCode.match(/^# .+$/gm)?.length ?? 0;
        return titles === 1 && outsideCode.startsWith('# ') && !/^(<<<<<<<|>>>>>>>) /m.test(outsideCode)
          ? []
          : [`${path}  has ${titles} titles, not at its top, or marks of a merge`];
      }),
    );
    expectNone(faults.flat());
  });

  test('TD8 packages are pinned to exact versions, and each one is used', async () => {
    const { dependencies, devDependencies } = JSON.parse(await readProjectFile('package.json'));
    const pinned = Object.entries<string>({ ...dependencies, ...devDependencies });
    expect(pinned.length).toBeGreaterThan(0);
    expectNone(
      pinned
        .filter(([, version]) => !/^(npm:[\w./-]+@)?[0-9]+\.[0-9]+\.[0-9]+$/.test(version))
        .map(([name]) => name),
    );
    const text = tree.map((file) => file.text).join('\n');
    const byName = new Set(['bun', 'typescript', '@biomejs/biome']);
    const unused = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) =>
        !byName.has(name) &&
        !name.startsWith('@types/') &&
        !text.includes(`'${name}'`) &&
        !text.includes(`'${name}/`),
    );
    expectNone(unused.map((name) => `package.json names ${name}, which nobody imports`));
  });

  test('TD8 the lock file knows the packages of every platform, so that npm ci works on each', async () => {
    const { packages } = JSON.parse(await readProjectFile('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    );
    // npm leaves out what it could not fetch when it wrote the file, and then refuses its own file.
    expectNone(missing.map((name) => `package-lock.json lacks ${name}: add its entry`));
  });
});

describe('tests', () => {
  const cases = tests.flatMap((file) => file.tests.map((one) => ({ ...one, file })));

  test('TD9 every test file has tests, and no test is empty, skipped, left for later or alone', () => {
    const without = tests.filter(
      (file) => /\.test\.tsx?$/.test(file.path) && file.tests.length === 0 && !callsSuites(file),
    );
    const faults = cases.flatMap((one) => [
      ...(one.empty ? [at(one.file, one.line, 'is empty')] : []),
      ...one.modifiers.map((modifier) => at(one.file, one.line, `uses ${modifier}`)),
    ]);
    expectNone([...without.map((file) => `${file.path}  has no test`), ...faults]);
  });

  test('TD10 every title begins with a rule of SPEC.md, written out', () => {
    const rules = new Set(rulesOf(spec));
    const faults = cases.flatMap((one) => {
      const named = rulesOfTitle(one.title ?? '');
      if (named.length === 0)
        return [at(one.file, one.line, `title begins with no rule: ${one.title ?? '(a value)'}`)];
      return named
        .filter((rule) => !rules.has(rule))
        .map((rule) => at(one.file, one.line, `${rule} is not in SPEC.md`));
    });
    expectNone(faults);
  });

  test('TD10 every rule of SPEC.md stands there once and has a test', () => {
    const rules = rulesOf(spec);
    const tested = new Set(cases.flatMap((one) => rulesOfTitle(one.title ?? '')));
    const twice = rules
      .filter((rule, i) => rules.indexOf(rule) !== i)
      .map((rule) => `${rule} stands in SPEC.md twice`);
    const untested = rules.filter((rule) => !tested.has(rule)).map((rule) => `${rule} has no test`);
    expectNone([...twice, ...untested]);
  });

  test('TD10 every list entry with a number in SPEC.md has the form of a rule', () => {
    const entries = spec.split('\n').filter((line) => line.startsWith('- **'));
    expectNone(
      entries
        .filter((line) => !/^- \*\*[A-Z]{2,3}[0-9]+\*\* \S.*[.:;)`]$/.test(line))
        .map((line) => line.slice(0, 80)),
    );
  });

  test('TD11 tests of the rooms that run on Node use node:test', () => {
    const portable = tests.filter((file) => /^(protocol|client|sender)\//.test(file.path));
    const faults = portable.filter(
      (file) => /from 'bun(:[a-z]+)?'/.test(file.text) || /\bBun\./.test(file.text),
    );
    expectNone(faults.map((file) => `${file.path}  needs Bun`));
  });

  /** A test file may hold nothing but the call of a port's suite. */
  function callsSuites(file: SourceFile): boolean {
    return file.imports.some(({ path }) =>
      tests.some((other) => other.path === path && other.tests.length > 0),
    );
  }
});
