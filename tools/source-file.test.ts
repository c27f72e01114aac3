import { describe, expect, test } from 'bun:test';
import { parseSource } from './source-file.ts';
import { rulesOf, rulesOfTitle } from './tree.ts';

const parse = (text: string, path = 'server/core/x.ts') => parseSource(path, text);
const titles = (text: string) => parse(text).tests.map((one) => one.title);

describe('imports', () => {
  test('TD2 static, re-exported, dynamic and type imports count, with their path and kind', () => {
    const file = parse(`
      import type { A } from './a.ts';
      import { type B, b } from '../b.ts';
      import './c.ts';
      export * from './d.ts';
      export type { E } from './e.ts';
      import hono from 'hono';
      const f = import('./f.ts');
      let g: import('./g.ts').G;
    `);
    expect(file.imports).toEqual([
      { path: 'server/core/a.ts', typeOnly: true },
      { path: 'server/b.ts', typeOnly: false },
      { path: 'server/core/c.ts', typeOnly: false },
      { path: 'server/core/d.ts', typeOnly: false },
      { path: 'server/core/e.ts', typeOnly: true },
      { path: 'server/core/f.ts', typeOnly: false },
      { path: 'server/core/g.ts', typeOnly: true },
    ]);
  });

  test('TD1 a file that is imported for a type and for a value is imported for a value', () => {
    const file = parse(`import type { A } from './a.ts';\nimport { a } from './a.ts';`);
    expect(file.imports).toEqual([{ path: 'server/core/a.ts', typeOnly: false }]);
  });

  test('TD3 a path in a text is a mention', () => {
    expect(parse(`new URL('./worker.ts', import.meta.url); const x = 'client/shim.ts';`).mentions).toEqual([
      './worker.ts',
      'client/shim.ts',
    ]);
  });
});

describe('measures', () => {
  test('TD5 functions of every kind are measured from their first to their last line', () => {
    const file = parse(
      'function a() {\n  return 1;\n}\nconst b = () => {\n};\nclass C {\n  m() {\n\n\n  }\n}\n',
    );
    expect(file.functions.map(({ line, lines }) => [line, lines])).toEqual([
      [1, 3],
      [4, 2],
      [7, 4],
    ]);
    expect(file.lines).toBe(11);
  });

  test('TD6 the type any and calls of console are found by line, the words in texts are not', () => {
    const file = parse(`const any = 'any';\nlet x: any;\nconsole.log('console.log');\n`);
    expect(file.anyLines).toEqual([2]);
    expect(file.consoleLines).toEqual([3]);
  });

  test('TD7 comments are read with their line', () => {
    expect(parse('const a = 1;\n// why\n').comments).toEqual([{ text: ' why', line: 2 }]);
  });

  test('TD2 what does not parse is named', () => {
    expect(() => parse('const = ;')).toThrow('server/core/x.ts');
  });
});

describe('tests', () => {
  test('TD10 titles are found in tests, tables and templates', () => {
    const found = titles(`
      test('AA1 plain', () => { run(); });
      it("AA2 it", run);
      test.each([1])('AA3 %p', run);
      test.concurrent(\`AA4 \${name} template\`, run);
      test('AA5 sum' + more, run);
      test(name, run);
      other('ZZ9 not a test', run);
      regex.test('ZZ8 neither');
    `);
    expect(found).toEqual(['AA1 plain', 'AA2 it', 'AA3 %p', 'AA4 ', 'AA5 sum', undefined]);
  });

  test('TD9 what keeps a test from counting is found', () => {
    const file = parse(`
      test.skip('A', run); test.only('B', run); test.if(x)('C', run); test('D', { skip: true }, run); test.each([])('E', run);
      test('F', () => {}); test('G', () => { run(); }); test('H', async function () {});
    `);
    expect(file.tests.map((one) => [...one.modifiers, one.empty ? 'empty' : ''].join())).toEqual([
      'skip,',
      'only,',
      'if,',
      'skip,',
      '',
      'empty',
      '',
      'empty',
    ]);
  });

  test('TD10 rules are read from the document and from the head of a title', () => {
    expect(rulesOf('- **CH1** One.\nsee **CH2**\n- **ME12** Two.\n')).toEqual(['CH1', 'ME12']);
    expect(rulesOfTitle('CH1 a channel')).toEqual(['CH1']);
    expect(rulesOfTitle('OR1, SC2: versions and ME1')).toEqual(['OR1', 'SC2']);
    expect(rulesOfTitle('a channel CH1')).toEqual([]);
    expect(rulesOfTitle('CH1')).toEqual([]);
  });
});
