import { dirname, join, normalize } from 'node:path/posix';
import { parseSync, Visitor } from 'oxc-parser';
import { readTestCase, type TestCase } from './test-case.ts';

/** One import or re-export of a file of ours. */
export interface Import {
  /** Path of the file, seen from the project's folder. */
  readonly path: string;
  /** True when nothing of it is there at run time. */
  readonly typeOnly: boolean;
}

export interface FunctionSize {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/** A TypeScript file, read once for all checks. Paths are seen from the project's folder, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Tests, and what only tests use: contract suites, fixtures. */
  readonly isTest: boolean;
  readonly imports: readonly Import[];
  /** Text literals that name a TypeScript file: entry points given to a bundler or a child process. */
  readonly mentions: readonly string[];
  readonly functions: readonly FunctionSize[];
  readonly tests: readonly TestCase[];
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** Lines with the type `any`. */
  readonly anyLines: readonly number[];
  /** Lines that call `console`. */
  readonly consoleLines: readonly number[];
}

/** Parts that only tests use and whose names do not say so, with what they are. */
export const testParts: Readonly<Record<string, string>> = {
  'server/stores/sqlite/crash-writer.ts': 'the process that the crash test kills',
};

/** True for tests and what only they use: contract suites, fixtures, manual clocks, fake sockets, `testParts`. */
export function isTestPath(path: string): boolean {
  if (/(^|\/)(manual|fake)-[a-z-]+\.ts$/.test(path)) return true;
  return /\.test\.tsx?$/.test(path) || /(^|[/-])(contract|fixture)\.tsx?$/.test(path) || path in testParts;
}

/** @throws Error with file and place when the file does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text);
  const [error] = parsed.errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}\n${error.codeframe ?? ''}`);
  const lineOf = lineFinder(text);
  const seen = {
    imports: new Map<string, Import>(),
    mentions: new Set<string>(),
    functions: [] as FunctionSize[],
    tests: [] as TestCase[],
    anyLines: [] as number[],
    consoleLines: [] as number[],
  };
  const addImport = (specifier: string, typeOnly: boolean): void => {
    if (!specifier.startsWith('.') || !/\.(ts|tsx|js)$/.test(specifier)) return;
    const target = normalize(join(dirname(path), specifier));
    const known = seen.imports.get(target);
    seen.imports.set(target, { path: target, typeOnly: typeOnly && (known?.typeOnly ?? true) });
  };
  const addFunction = (node: Spanned, name: string): void => {
    const line = lineOf(node.start);
    seen.functions.push({ name, line, lines: lineOf(node.end) - line + 1 });
  };
  for (const { moduleRequest, entries } of parsed.module.staticImports) {
    addImport(moduleRequest.value, entries.length > 0 && entries.every((entry) => entry.isType));
  }
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest, isType } of entries) {
      if (moduleRequest !== null) addImport(moduleRequest.value, isType);
    }
  }
  new Visitor({
    ImportExpression: ({ source }) => {
      if (source.type === 'Literal' && typeof source.value === 'string') addImport(source.value, false);
    },
    TSImportType: ({ source }) => addImport(source.value, true),
    Literal: ({ value }) => {
      if (typeof value === 'string' && /\.tsx?$/.test(value)) seen.mentions.add(value);
    },
    FunctionDeclaration: (node) => addFunction(node, node.id?.name ?? 'default'),
    FunctionExpression: (node) => addFunction(node, node.id?.name ?? 'a method or function expression'),
    ArrowFunctionExpression: (node) => addFunction(node, 'an arrow function'),
    TSAnyKeyword: ({ start }) => {
      seen.anyLines.push(lineOf(start));
    },
    MemberExpression: ({ object, start }) => {
      if (object.type === 'Identifier' && object.name === 'console') seen.consoleLines.push(lineOf(start));
    },
    CallExpression: (node) => {
      const test = readTestCase(node, lineOf(node.start));
      if (test !== undefined) seen.tests.push(test);
    },
  }).visit(parsed.program);
  return {
    path,
    text,
    lines: text.split('\n').length - 1,
    isTest: isTestPath(path),
    ...seen,
    imports: [...seen.imports.values()],
    mentions: [...seen.mentions],
    comments: parsed.comments.map(({ value, start }) => ({ text: value, line: lineOf(start) })),
  };
}

interface Spanned {
  readonly start: number;
  readonly end: number;
}

/** Line of an offset, from 1, by halving: a file is asked about thousands of times. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
