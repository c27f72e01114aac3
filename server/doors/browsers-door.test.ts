import { describe, expect, test } from 'bun:test';
import { browserSettings } from '../../protocol/browser-settings.ts';
import { silentEvents } from '../observe/events.ts';
import { browsersDoor } from './browsers-door.ts';

const origin = 'https://push.example';
const ask = (mcsPort: number | undefined, method = 'GET') => {
  const request = new Request(`${origin}/v2/browsers`, { method });
  return browsersDoor({ origin, mcsPort, events: silentEvents })(request, new URL(request.url), {
    address: '192.0.2.1',
  });
};

describe('how browsers are set', () => {
  test('CI16 the door says it to anyone', async () => {
    for (const port of [5228, undefined]) {
      const answer = await ask(port);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(await answer.json()).toEqual(browserSettings(origin, port));
    }
  });

  test('CI16 it takes no other method', async () => {
    const answer = await ask(5228, 'POST');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET');
  });
});
