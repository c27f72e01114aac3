import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { type AccountsRoom, type FormBrowser, openAccountsRoom } from '../../dev-env/accounts-room.ts';
import { ReveilleError } from '../../protocol/errors.ts';
import { Badge, Card, Code, EmptyState, Facts, Notice, Table, Time } from './content.tsx';
import { Button, Check, Field, Form, Select } from './form.tsx';
import { Page, PageHead, type Viewer } from './page.tsx';
import { onward, render, renderError, seeOther } from './render.tsx';
import { staticRoutes, stylesheetPath } from './static.ts';

const viewer: Viewer = { name: 'Ada', email: 'ada@example.com', administrator: false, signOutToken: 'token' };
const textOf = async (response: Promise<Response>): Promise<string> => await (await response).text();

describe('answers', () => {
  test('PG1 every page has the whole policy and is never cached', async () => {
    const { headers, status } = await render(<Page title="T">text</Page>, 418, {
      setCookies: ['a=1', 'b=2'],
      headers: { 'X-More': 'yes' },
    });
    expect(status).toBe(418);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; " +
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('x-more')).toBe('yes');
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('PG1 an error is a page with its status, its sentence and a way back', async () => {
    const limited = new ReveilleError('rate-limited', 'Too many tries.', { retryAfterSeconds: 7 });
    const response = await renderError(limited, viewer, '/console');
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    const html = await response.text();
    for (const part of [limited.sentence, 'href="/console"', 'ada@example.com']) expect(html).toContain(part);
    const hidden = await textOf(renderError(new ReveilleError('internal', 'a detail for the log')));
    expect(hidden).not.toContain('a detail for the log');
  });

  test('PG2 onward goes to local paths and registered addresses, and to nothing that runs', async () => {
    const target = 'https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/cb?code=1&state="><script>';
    const html = await textOf(onward(target, { title: 'Done', setCookies: ['a=1'] }));
    expect(html).toContain(
      '<meta http-equiv="refresh" content="0;url=https://abcdefghijklmnopabcdefghijklmnop.chromiumapp.org/cb?code=1&amp;state=&quot;&gt;&lt;script&gt;"/>',
    );
    for (const good of ['/console', 'http://127.0.0.1:9/cb', 'com.example.app:/cb'])
      expect((await onward(good)).status).toBe(200);
    for (const bad of [
      'javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      'data:text/html,x',
      'vbscript:x',
      'file:///etc/passwd',
      'no address',
      '',
    ]) {
      await expect(onward(bad)).rejects.toThrow(TypeError);
    }
    const other = seeOther('/accounts', ['a=1']);
    expect([other.status, other.headers.get('location'), other.headers.get('set-cookie')]).toEqual([
      303,
      '/accounts',
      'a=1',
    ]);
  });

  test('PG4 the style sheet may be kept for a year at its own address, an hour elsewhere; nothing else is there', async () => {
    const routes = staticRoutes();
    const css = await routes.request(stylesheetPath);
    expect(css.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(css.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(await css.text()).toContain('.table-frame');
    const icon = await routes.request('/static/icon.svg');
    expect([icon.headers.get('content-type'), icon.headers.get('cache-control')]).toEqual([
      'image/svg+xml',
      'public, max-age=3600',
    ]);
    for (const path of [
      '/static/page.tsx',
      '/static/../page.tsx',
      '/static/%2e%2e%2fpage.tsx',
      '/static/constructor',
    ]) {
      expect([path, (await routes.request(path)).status]).toEqual([path, 404]);
    }
    expect(await textOf(render(<Page title="T">text</Page>))).toContain(`href="${stylesheetPath}"`);
  });
});

describe('parts', () => {
  const evil = '"><script>alert(1)</script>';

  test('PG3 whatever a part is given comes out as text', async () => {
    const html = await textOf(
      render(
        <Page
          title={evil}
          account={{ ...viewer, name: evil, email: evil, signOutToken: evil }}
          navigation={[{ href: evil, label: evil }]}
        >
          <PageHead title={evil} lead={evil} />
          <Notice kind="error">{evil}</Notice>
          <Badge>{evil}</Badge>
          <Card title={evil} lead={evil} id={evil}>
            {evil}
          </Card>
          <EmptyState title={evil}>{evil}</EmptyState>
          <Facts of={[[evil, evil]]} />
          <Code text={evil} />
          <Table caption={evil} columns={[evil, { label: evil, unseen: true }]} rows={[[evil, evil]]} />
          <Form action={evil} token={evil} hidden={{ [evil]: evil }}>
            <Field label={evil} name={evil} value={evil} hint={evil} error={evil} />
            <Field label={evil} name="text" value={evil} lines={3} />
            <Select
              label={evil}
              name={evil}
              value={evil}
              hint={evil}
              options={[{ value: evil, label: evil }]}
            />
            <Check name={evil}>{evil}</Check>
            <Button value={evil} label={evil}>
              {evil}
            </Button>
            <Button href={evil}>{evil}</Button>
          </Form>
        </Page>,
      ),
    );
    expect(html).not.toContain('<script');
    expect(html).not.toContain(`"${evil}`);
  });

  test('PG7 a field is tied to its label, hint and error; an error is an alert, other notices wait', async () => {
    const html = await textOf(
      render(
        <Page title="T">
          <Form action="/x" token="t" files>
            <Field label="E-mail" name="email" type="email" hint="A hint" error="An error" required />
            <Field label="Plain" name="plain" />
            <Select
              label="Kind"
              name="kind"
              value="b"
              hint="Pick"
              options={[
                { value: 'a', label: 'A' },
                { value: 'b', label: 'B' },
              ]}
            />
            <Check name="sure" required>
              Yes
            </Check>
          </Form>
          <Notice kind="error">Bad</Notice>
          <Notice kind="success">Good</Notice>
        </Page>,
      ),
    );
    expect(html).toContain('<label for="field-email">E-mail</label>');
    expect(html).toContain('aria-describedby="field-email-hint field-email-error" aria-invalid="true"');
    expect(html).toContain('<span class="wrong" id="field-email-error">An error</span>');
    expect(html).toMatch(/<input name="plain" id="field-plain" spellcheck="false" type="text"\/>/);
    expect(html).toContain('<option value="b" selected="">B</option>');
    expect(html).toContain('enctype="multipart/form-data"');
    expect(html).toContain('<div class="notice error" role="alert">Bad</div>');
    expect(html).toContain('<div class="notice success" role="status">Good</div>');
    expect(html).toContain('<html lang="en">');
    expect(html).toContain('<a class="skip" href="#main">');
  });

  test('PG7 the current link of the navigation is marked, the longest one when two fit', async () => {
    const links = async (at: string, who = viewer) => {
      const html = await textOf(render(<Page title="T" account={who} at={at} />));
      return [...html.matchAll(/<a href="([^"]*)" aria-current="page">/g)].map(([, href]) => href);
    };
    expect(await links('/console/projects/1')).toEqual(['/console']);
    expect(await links('/accounts/people')).toEqual(['/accounts']);
    expect(await links('/accounts/people', { ...viewer, administrator: true })).toEqual(['/accounts/people']);
    expect(await links('/consoles')).toEqual([]);
    expect(await textOf(render(<Page title="T" />))).not.toContain('<nav');
  });

  test('PG7 moments are exact for machines and in UTC for people', async () => {
    const html = await textOf(
      render(
        <Page title="T">
          <Time at={Date.UTC(2026, 0, 2, 3, 4)} />
        </Page>,
      ),
    );
    expect(html).toContain('<time datetime="2026-01-02T03:04:00.000Z">2 Jan 2026, 03:04 UTC</time>');
  });
});

describe('contrast', () => {
  const base = readFileSync(new URL('./look/1-base.css', import.meta.url), 'utf8');
  const colours = (css: string) =>
    new Map(
      [...css.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', value = '']) => [name, value]),
    );
  const [light = '', dark = ''] = base.split('@media (prefers-color-scheme: dark)');
  const schemes = { light: colours(light), dark: new Map([...colours(light), ...colours(dark)]) };

  /** Relative luminance, WCAG 2.2. */
  const luminance = (hex: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one: string, two: string): number => {
    const [low = 0, high = 0] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const grounds = ['paper', 'surface', 'sunken'];
  const text = [
    ...grounds.flatMap((ground) => ['ink', 'ink-soft', 'link'].map((ink) => [ink, ground] as const)),
    ...['primary', 'primary-hover'].map((ground) => ['on-primary', ground] as const),
    ...['danger', 'danger-hover'].map((ground) => ['on-danger', ground] as const),
    ['danger', 'surface'],
    ['danger', 'bad-surface'],
    ['good', 'good-surface'],
    ['warn', 'warn-surface'],
    ['note', 'note-surface'],
  ] as const;
  const edges = ['paper', 'surface'].flatMap((ground) =>
    ['line-strong', 'focus'].map((edge) => [edge, ground] as const),
  );

  for (const [scheme, palette] of Object.entries(schemes)) {
    test(`PG5 text has 4.5 and edges have 3 in the ${scheme}`, () => {
      const low = (pairs: readonly (readonly [string, string])[], least: number) =>
        pairs
          .map(([one, two]) => ({
            pair: `${one} on ${two}`,
            ratio: contrast(palette.get(one) ?? '', palette.get(two) ?? ''),
          }))
          .filter(({ ratio }) => !(ratio >= least));
      expect(low(text, 4.5)).toEqual([]);
      expect(low(edges, 3)).toEqual([]);
    });
  }
});

describe('pages of the accounts room', () => {
  let room: AccountsRoom;
  let browser: FormBrowser;
  beforeAll(async () => {
    room = await openAccountsRoom();
    await room.accounts.create('ada@example.com', 'a few good words', 'Ada');
    browser = room.browser();
    await browser.submit('/accounts/sign-in', '/accounts/sign-in', {
      email: 'ada@example.com',
      password: 'a few good words',
    });
  });
  afterAll(() => room.close());

  const paths = [
    '/accounts',
    '/accounts/delete',
    '/accounts/people',
    '/accounts/invites',
    '/accounts/choose',
    '/accounts/sign-in?another=1',
    '/accounts/sign-up',
  ];
  test.each(paths)('PG1 %s has nothing inline and no second window', async (path) => {
    const response = await browser.fetch(path);
    expect([
      response.status,
      response.headers.get('content-security-policy')?.includes("default-src 'none'"),
    ]).toEqual([200, true]);
    const html = await response.text();
    expect(html).not.toMatch(/<script|<style|\sstyle=|\son[a-z]+=|javascript:|target=/i);
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });
});
