import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import { hiddenToken } from './form.tsx';
import { stylesheetPath } from './static.ts';

/** The one who is signed in, as far as a page shows it. `Accounts.viewer` makes it. */
export interface Viewer {
  readonly name: string;
  readonly email: string;
  readonly administrator: boolean;
  /** Token of the sign-out form in the menu. */
  readonly signOutToken: string;
}

export interface NavigationLink {
  readonly href: string;
  readonly label: string;
}

interface PageProps {
  readonly title: string;
  /** Who is signed in; without it the page shows no menu. */
  readonly account?: Viewer | undefined;
  /** Path of this page: the link whose address it begins with is marked as the current one. */
  readonly at?: string | undefined;
  /** Other links in place of the usual ones. */
  readonly navigation?: readonly NavigationLink[] | undefined;
  /** For tables and charts that need the room. */
  readonly wide?: boolean | undefined;
  /** For a page with one task: sign-in, sign-up, consent. */
  readonly narrow?: boolean | undefined;
  /** More elements of the document's head. */
  readonly head?: Child;
}

/** A whole document: head, header with product name, navigation and account menu, content, footer. */
export const Page: FC<PropsWithChildren<PageProps>> = ({
  title,
  account,
  at,
  navigation,
  wide,
  narrow,
  head,
  children,
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>{`${title} · Reveille`}</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="stylesheet" href={stylesheetPath} />
      <link rel="icon" type="image/svg+xml" href="/static/icon.svg" />
      {head}
    </head>
    <body class={wide ? 'wide' : narrow ? 'narrow' : undefined}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <div class="bar-inner">
          <a class="brand" href="/">
            <img src="/static/icon.svg" alt="" width="28" height="28" />
            Reveille
          </a>
          {account && <Navigation links={navigation ?? usualLinks(account)} at={at} />}
          {account && <AccountMenu account={account} />}
        </div>
      </header>
      <main class="main" id="main" tabindex={-1}>
        {children}
      </main>
      <footer class="foot">
        <div class="foot-inner">
          <span>Reveille, the push service that you own</span>
          <a href="/docs">Documentation</a>
        </div>
      </footer>
    </body>
  </html>
);

/** The heading of a page, what it is for in a sentence, and its main action. */
export const PageHead: FC<PropsWithChildren<{ title: string; lead?: string | undefined }>> = ({
  title,
  lead,
  children,
}) => (
  <div class="head">
    <div>
      <h1>{title}</h1>
      {lead && <p>{lead}</p>}
    </div>
    {children}
  </div>
);

function usualLinks(account: Viewer): readonly NavigationLink[] {
  const links = [
    { href: '/console', label: 'Console' },
    { href: '/oauthplayground', label: 'Playground' },
    { href: '/docs', label: 'Docs' },
    { href: '/accounts', label: 'Account' },
  ];
  return account.administrator ? [...links, { href: '/accounts/people', label: 'People' }] : links;
}

const Navigation: FC<{ links: readonly NavigationLink[]; at: string | undefined }> = ({ links, at = '' }) => {
  const under = links.filter(({ href }) => at === href || at.startsWith(`${href}/`));
  const current = under.sort((left, right) => right.href.length - left.href.length)[0];
  return (
    <nav class="nav" aria-label="Main">
      {links.map(({ href, label }) => (
        <a href={href} aria-current={href === current?.href ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
};

const AccountMenu: FC<{ account: Viewer }> = ({ account }) => (
  <details class="menu">
    <summary>
      <Face name={account.name} />
      <span class="menu-name">{account.name}</span>
      <span class="unseen">Account menu</span>
    </summary>
    <div class="menu-sheet">
      <p class="menu-who">
        {account.name}
        <small>{account.email}</small>
      </p>
      <a href="/accounts">Account and sign-ins</a>
      <a href="/connections">Connected services</a>
      <a href="/console/receiving/devices">My devices</a>
      <form method="post" action="/accounts/sign-out">
        {hiddenToken(account.signOutToken)}
        <button type="submit">Sign out</button>
      </form>
    </div>
  </details>
);

/** The first letter of a name in a disc. */
export const Face: FC<{ name: string }> = ({ name }) => (
  <span class="face" aria-hidden="true">
    {[...name.trim()][0] ?? '?'}
  </span>
);
