import { expect, test } from 'bun:test';
import { Hono } from 'hono';
import { doorRows } from './doors.ts';
import { tryDoors } from './doors-tried.ts';
import { framesOf } from './frames.ts';

test('PF3 PF5 PF6 PF7 PF10 PF11 every route, frame and form refuses who does not belong, holds against attacks, and tells no secret', async () => {
  const { tried, wrong, openedRightly } = await tryDoors();
  expect(wrong).toEqual([]);
  expect(tried).toBeGreaterThan(1_400);
  // The owner comes in where the others do not: the refusals are about them.
  expect(openedRightly).toBeGreaterThan(20);
}, 300_000);

test('PF3 a route of which it is not said who may enter is named', () => {
  const pages = new Hono().get('/back-door', (c) => c.text('come in'));
  expect(() => doorRows({ doors: new Map(), pages: pages as never })).toThrow('GET /back-door');
});

test('PF3 PF5 a frame of which it is not said what it does is named', () => {
  expect(() => framesOf('websocket', [], ['hello', 'rename'])).toThrow('rename');
  expect(() => framesOf('autopush', [], ['nack', 'transfer'])).toThrow('transfer');
  expect(() => framesOf('mcs', [], ['login', 'batch'])).toThrow('batch');
});
