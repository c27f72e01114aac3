import type { CallExpression, Expression } from 'oxc-parser';

/** A call of `test` or `it` as it stands in the source. */
export interface TestCase {
  /** The fixed text of the title up to the first inserted value; undefined when it begins with a value. */
  readonly title: string | undefined;
  readonly line: number;
  /** What would keep it from running, or from counting: skip, only, todo, failing, if … */
  readonly modifiers: readonly string[];
  /** Its function has no statement. */
  readonly empty: boolean;
}

const plainModifiers = new Set(['each', 'concurrent', 'serial', 'for']);

/** Reads a call as a test; undefined when it is none, such as the inner call of `test.each(table)(title, run)`. */
export function readTestCase(call: CallExpression, line: number): TestCase | undefined {
  const chain = chainOf(call.callee);
  if (chain === undefined) return undefined;
  const [title, ...rest] = call.arguments;
  // `test.each(table)` and `test.if(condition)` only make the function that is then called with a title.
  if (call.callee.type === 'MemberExpression' && makesTests(chain.at(-1))) return undefined;
  const modifiers = chain.filter((name) => !plainModifiers.has(name));
  for (const argument of rest) {
    if (argument.type !== 'ObjectExpression') continue;
    for (const property of argument.properties) {
      const name =
        property.type === 'Property' && property.key.type === 'Identifier' ? property.key.name : '';
      if (['skip', 'only', 'todo'].includes(name)) modifiers.push(name);
    }
  }
  return {
    title: title === undefined ? undefined : fixedText(title),
    line,
    modifiers,
    empty: rest.some(isEmptyFunction),
  };
}

function makesTests(name: string | undefined): boolean {
  return name !== undefined && /^(each|for|if|skipIf|todoIf|failingIf)$/.test(name);
}

/** Names behind `test` or `it`, in order: `test.concurrent.each` gives concurrent, each. */
function chainOf(callee: Expression | { readonly type: string }): string[] | undefined {
  const node = callee as Expression;
  if (node.type === 'Identifier') return node.name === 'test' || node.name === 'it' ? [] : undefined;
  if (node.type === 'CallExpression') return chainOf(node.callee);
  if (node.type !== 'MemberExpression' || node.property.type !== 'Identifier') return undefined;
  const before = chainOf(node.object);
  return before === undefined ? undefined : [...before, node.property.name];
}

function fixedText(node: CallExpression['arguments'][number]): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type === 'TemplateLiteral') return node.quasis[0]?.value.cooked || undefined;
  if (node.type === 'BinaryExpression' && node.operator === '+') return fixedText(node.left as Expression);
  return undefined;
}

function isEmptyFunction(node: CallExpression['arguments'][number]): boolean {
  const isFunction = node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
  return isFunction && node.body?.type === 'BlockStatement' && node.body.body.length === 0;
}
