import { expect, test } from 'bun:test';
import { cycles } from './cycles.ts';

const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges));

test('TD2 a graph without a circle has none, however often paths meet', () => {
  expect(cycles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
  expect(cycles(graph({ a: ['a'] }))).toEqual([]);
});

test('TD2 circles are found whole, apart from what only leads to them', () => {
  const found = cycles(
    graph({ start: ['a'], a: ['b'], b: ['c', 'outside'], c: ['a'], x: ['y'], y: ['x', 'a'] }),
  );
  expect(found).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y'],
  ]);
});
