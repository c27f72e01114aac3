import { type BinaryExpression, type Node, parseSync, Visitor } from 'oxc-parser';

/** A comparison whose time tells how much of a secret was right. */
export interface SecretCompare {
  readonly line: number;
  /** What is compared, by the name that gives it away. */
  readonly name: string;
}

const SECRET = /(token|secret|hash|signature|verifier|challenge|password|mac)$/i;
const EQUALITIES: readonly string[] = ['===', '!==', '==', '!='];

/** The comparisons by `===` and its kin in which a side is named like a secret, and the other one is no constant. */
export function secretCompares(path: string, text: string): readonly SecretCompare[] {
  const found: SecretCompare[] = [];
  new Visitor({
    BinaryExpression: ({ operator, left, right, start }: BinaryExpression) => {
      if (!EQUALITIES.includes(operator) || [left, right].some(isConstant)) return;
      const name = [left, right].map(nameOf).find((one) => SECRET.test(one));
      if (name !== undefined) found.push({ line: text.slice(0, start).split('\n').length, name });
    },
  }).visit(parseSync(path, text).program);
  return found;
}

/** True for what says nothing of a value: literals, `undefined`, `typeof`. */
function isConstant(side: BinaryExpression['left']): boolean {
  if (side.type === 'Identifier') return side.name === 'undefined';
  return side.type === 'Literal' || (side.type === 'UnaryExpression' && side.operator === 'typeof');
}

/** The last name of an expression: of a member its own, of a call that of what is called. */
function nameOf(side: Node): string {
  if (side.type === 'Identifier' || side.type === 'PrivateIdentifier') return side.name;
  if (side.type === 'ChainExpression') return nameOf(side.expression);
  // hashOf(x), tokenOf(x)
  if (side.type === 'CallExpression') return nameOf(side.callee).replace(/Of$/, '');
  return side.type === 'MemberExpression' && !side.computed ? nameOf(side.property) : '';
}
