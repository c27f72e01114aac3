import { expect, test } from 'bun:test';
import { wakeRoutes } from './wake-routes.tsx';

const ask = (path: string, init?: RequestInit) => wakeRoutes().request(`https://push.example${path}`, init);

test('FE6 what extensions watch for answers 204 to a POST with whatever body, and to nothing else', async () => {
  for (const path of ['/wake/up', '/wake/subscribed']) {
    const answer = await ask(path, { method: 'POST', body: 'endpoint=x' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect((await ask(path)).status).toBe(404);
  }
});

test('FE3 the page and its scripts are there, under the headers of every page', async () => {
  for (const path of ['/wake/', '/wake/page.js', '/wake/worker.js']) {
    const answer = await ask(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
  }
  expect((await ask('/wake')).headers.get('location')).toBe('/wake/');
  const page = await (await ask('/wake/')).text();
  expect(page).toContain('<script type="module" src="/wake/page.js">');
});
