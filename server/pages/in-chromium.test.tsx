import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Hono } from 'hono';
import { type Browser, launch, type Page as Tab } from 'puppeteer-core';
import { type AccountsRoom, openAccountsRoom } from '../../dev-env/accounts-room.ts';
import { chromiumPath } from '../../dev-env/installed-browsers.ts';
import { Button, Form } from './form.tsx';
import { Page } from './page.tsx';
import { onward, render, seeOther } from './render.tsx';

const limitMs = 60_000;
const password = 'a few good words';
let browser: Browser;

beforeAll(async () => {
  browser = await launch({
    executablePath: chromiumPath(),
    headless: true,
    pipe: true,
    args: [
      '--disable-background-networking',
      // No name is looked up outside; what a page asks for can still be seen.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });
}, limitMs);
afterAll(() => browser.close());

/** Runs `see` in a tab of its own, with no cookies of others. */
async function inTab(see: (tab: Tab) => Promise<void>): Promise<void> {
  const context = await browser.createBrowserContext();
  try {
    await see(await context.newPage());
  } finally {
    await context.close();
  }
}

describe('forms whose way leads elsewhere', () => {
  const app = new Hono();
  // The same machine under another name is another origin.
  const elsewhere = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('arrived') });
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: (request) => app.fetch(request) });
  const away = `http://localhost:${elsewhere.port}/cb?code=1`;
  const here = `http://127.0.0.1:${server.port}`;
  const appAnswer = 'https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/cb?code=1';
  app.get('/form/:to', (c) =>
    render(
      <Page title="A form">
        <Form action={`/${c.req.param('to')}`} token="t">
          <Button>Go</Button>
        </Form>
      </Page>,
    ),
  );
  app.post('/redirect', () => seeOther(away));
  app.post('/redirect-twice', () => seeOther('/step'));
  app.get('/step', (c) => c.redirect(away, 302));
  app.post('/onward', () => onward(away));
  app.post('/onward-twice', () => onward('/step'));
  app.post('/onward-app', () => onward(appAnswer));
  afterAll(async () => {
    await server.stop(true);
    await elsewhere.stop(true);
  });

  test.each(['redirect', 'redirect-twice'])(
    'PG2 a %s to another origin is stopped by the policy',
    async (to) => {
      await inTab(async (tab) => {
        const stopped = new Promise<string>((done) => {
          tab.on('console', (message) => {
            if (message.text().includes('form-action')) done(message.text());
          });
        });
        await tab.goto(`${here}/form/${to}`);
        await tab.click('main button');
        expect(await stopped).toContain("form-action 'self'");
        expect(tab.url()).not.toStartWith('http://localhost');
      });
    },
    limitMs,
  );

  test.each(['onward', 'onward-twice'])(
    'PG2 %s arrives there',
    async (to) => {
      await inTab(async (tab) => {
        await tab.goto(`${here}/form/${to}`);
        await tab.click('main button');
        await tab.waitForFunction(() => document.body.textContent === 'arrived');
        expect(tab.url()).toBe(away);
      });
    },
    limitMs,
  );

  test(
    'PG2 onward sets out for the answer of an app',
    async () => {
      await inTab(async (tab) => {
        await tab.goto(`${here}/form/onward-app`);
        const asked = tab.waitForRequest(
          (request) => request.url() === appAnswer && request.isNavigationRequest(),
        );
        await tab.click('main button');
        expect((await asked).headers().referer).toBeUndefined();
      });
    },
    limitMs,
  );
});

describe('the accounts room in a browser', () => {
  let room: AccountsRoom;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: (request, own) =>
      room.app.fetch(request, { peer: { address: own.requestIP(request)?.address ?? '' } }),
  });
  const origin = `http://127.0.0.1:${server.port}`;

  beforeAll(async () => {
    room = await openAccountsRoom({ origin });
    await room.accounts.create('ada@example.com', password, 'Ada');
    await room.accounts.create('bob.with.a.long.address@engineering.department.example.com', password, 'Bob');
    await room.accounts.invites.create('carol.with.a.long.address@engineering.department.example.com');
  }, limitMs);
  afterAll(async () => {
    await server.stop(true);
    await room.close();
  });

  async function signIn(tab: Tab): Promise<void> {
    await tab.goto(`${origin}/accounts/sign-in?return=%2Faccounts`);
    await tab.type('[name=email]', 'ada@example.com');
    await tab.type('[name=password]', password);
    await tab.click('main button');
    await tab.waitForSelector('#password');
    expect(tab.url()).toBe(`${origin}/accounts`);
  }

  test(
    'PG8 with script off one signs in, opens the menu and signs out',
    async () => {
      await inTab(async (tab) => {
        await tab.setJavaScriptEnabled(false);
        await signIn(tab);
        await tab.click('.menu summary');
        await tab.click('.menu button');
        await tab.waitForSelector('.notice.success');
        expect(tab.url()).toBe(`${origin}/accounts/sign-in?bye=signed-out`);
      });
    },
    limitMs,
  );

  test(
    'PG6 every page fits a phone',
    async () => {
      await inTab(async (tab) => {
        await tab.setViewport({ width: 390, height: 844 });
        await signIn(tab);
        for (const path of [
          '',
          '/delete',
          '/people',
          '/invites',
          '/choose',
          '/sign-in?another=1',
          '/sign-up',
        ]) {
          await tab.goto(`${origin}/accounts${path}`);
          const width = await tab.evaluate(() => document.documentElement.scrollWidth);
          expect([path, width]).toEqual([path, 390]);
        }
      });
    },
    limitMs,
  );

  test(
    'PG6 a table is cards on a phone, with names beside values, and a table on a desk',
    async () => {
      await inTab(async (tab) => {
        await signIn(tab);
        await tab.goto(`${origin}/accounts/people`);
        const look = () =>
          tab.evaluate(() => {
            const cell = document.querySelector('tbody td:nth-child(2)');
            if (cell === null) return [];
            return [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content];
          });
        await tab.setViewport({ width: 1_280, height: 800 });
        expect(await look()).toEqual(['table-cell', 'none']);
        await tab.setViewport({ width: 390, height: 844 });
        expect(await look()).toEqual(['block', '"Role"']);
      });
    },
    limitMs,
  );

  test(
    'PG1 the browser finds nothing to complain about',
    async () => {
      await inTab(async (tab) => {
        const complaints: string[] = [];
        tab.on('console', (message) => complaints.push(message.text()));
        tab.on('pageerror', (error) => complaints.push(String(error)));
        tab.on('response', (response) => {
          if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
        });
        await signIn(tab);
        for (const path of ['/delete', '/people', '/invites']) await tab.goto(`${origin}/accounts${path}`);
        expect(complaints).toEqual([]);
      });
    },
    limitMs,
  );
});
