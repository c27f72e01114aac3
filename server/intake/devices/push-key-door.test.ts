import { expect, test } from 'bun:test';
import { silentEvents } from '../../observe/events.ts';
import { PUSH_KEY_PATH, pushKeyDoor } from './push-key-door.ts';

const door = pushKeyDoor('BKey', silentEvents);
const url = new URL(PUSH_KEY_PATH, 'http://127.0.0.1:8030');
const call = (method: string) => door(new Request(url, { method }), url, { address: '' });

test('WK12 the public key is answered to any origin', async () => {
  const answer = await call('GET');
  expect([answer.status, await answer.json()]).toEqual([200, { key: 'BKey' }]);
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  expect((await call('OPTIONS')).status).toBe(204);
});

test('WK12 other methods are refused with the one that it takes', async () => {
  const answer = await call('POST');
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});
