import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Child, FC, PropsWithChildren } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { errorTable, type ReveilleError } from '../../protocol/errors.ts';
import { Badge, Card, Notice } from '../pages/content.tsx';
import { Button, Field, Form } from '../pages/form.tsx';
import { Page, PageHead } from '../pages/page.tsx';
import type { Visit } from './visit.ts';

export const lookText = ['./console.css', './store.css']
  .map((part) => readFileSync(new URL(part, import.meta.url), 'utf8'))
  .join('\n');
const fingerprint = createHash('sha256').update(lookText).digest('base64url').slice(0, 12);

/** Address of the console's part of the style sheet; it changes with the content. */
export const lookPath = '/console/look.css';
export const Look: FC = () => <link rel="stylesheet" href={`${lookPath}?${fingerprint}`} />;

/** What a form has done, said on the page that follows. The address names the key only, so that no link can put words here. */
const doneSentences: Readonly<Record<string, string>> = {
  'project-made': 'The project is there. Switch messaging on, then create an OAuth client.',
  'messaging-on': 'Messaging is on: clients of this project may send.',
  'messaging-off': 'Messaging is off: the next message of this project is refused.',
  renamed: 'The name was changed.',
  saved: 'Saved.',
  'member-set': 'The member has this role from now on.',
  'member-removed': 'The account has left, and what it had granted ended with it.',
  'team-invited':
    'Invited. If there is an account with this address, it finds the invitation on its console.',
  'invitation-withdrawn': 'The invitation is void.',
  'joined-project': 'You are a member of the project.',
  'left-project': 'You have left the project, and what you had granted to its clients ended with it.',
  'project-removed': 'The project, its clients and their grants are gone.',
  'client-made': 'The client is there. Keep its secret where only your server can read it.',
  'client-removed': 'The client and every grant to it are gone.',
  'secret-reset': 'The client has a fresh secret; the one before is void.',
  'app-made': 'The app is registered. Paste its key into manifest.json, and its id never changes.',
  'app-proven': 'Proven: the app may send to every user who installs it.',
  'app-removed': 'The app is gone, and its channels have ended.',
  'app-moved': 'The app belongs to the other group from now on.',
  uploaded: 'Uploaded and checked. It is a draft: nobody gets it before you publish it.',
  'published-to-everyone': 'Published. Browsers that have it update within hours.',
  'published-to-testers': 'With the testers now. Everybody else keeps what they have.',
  unpublished: 'Unpublished. Nobody can install it any more.',
  'screenshot-added': 'The screenshot is on the page of the item.',
  'screenshot-removed': 'The screenshot is gone.',
  'tester-added': 'The account is a tester. It finds its address on the page of the item.',
  'tester-removed': 'The account is no tester any more, and its address gives nothing out.',
  'group-made': 'The publisher group is there.',
  'member-invited': 'Invited. The account finds the invitation on its console.',
  joined: 'You are a member of the publisher group.',
  declined: 'Declined.',
  'left-group': 'You have left the publisher group.',
  sent: 'Accepted and kept. It is the first in the list below; open the page again to follow it.',
  'webhook-made': 'The webhook is there. Give its secret to your receiver, then send a test event.',
  'webhook-secret': 'The webhook has a fresh secret, and calls are signed with it from now on.',
  'webhook-tested': 'A test event is on its way. Open the page again to see the answer.',
  'webhook-enabled': 'The webhook is on again; what waited is on its way.',
  'webhook-removed': 'The webhook and what waited for it are gone.',
  paused: 'Paused. Messages wait until you resume.',
  resumed: 'Resumed. What waited is on its way.',
  'app-stopped': 'The app may not send to you any more.',
  'device-ended': 'The device is signed out.',
  'devices-ended': 'All your devices are signed out.',
};

interface ConsolePageProps {
  readonly visit: Visit;
  readonly title: string;
  readonly lead?: string | undefined;
  /** Buttons beside the title. */
  readonly action?: Child;
  /** Where the page hangs: links from the top down. */
  readonly trail?: readonly (readonly [href: string, label: string])[] | undefined;
  readonly fault?: string | undefined;
  readonly wide?: boolean | undefined;
}

/** A page of the console: its tabs, where it hangs, what was done, what went wrong. */
export const ConsolePage: FC<PropsWithChildren<ConsolePageProps>> = ({
  visit,
  title,
  lead,
  action,
  trail,
  fault,
  wide,
  children,
}) => {
  const done = visit.done === undefined || fault !== undefined ? undefined : doneSentences[visit.done];
  return (
    <Page title={title} account={visit.viewer} at="/console" wide={wide} head={<Look />}>
      <Tabs visit={visit} />
      {trail && (
        <nav class="trail" aria-label="Where you are">
          {trail.map(([href, label]) => (
            <a href={href}>{label}</a>
          ))}
        </nav>
      )}
      <PageHead title={title} lead={lead}>
        {action}
      </PageHead>
      <div class="stack-wide">
        {done && <Notice kind="success">{done}</Notice>}
        {fault && <Notice kind="error">{fault}</Notice>}
        {children}
      </div>
    </Page>
  );
};

const Tabs: FC<{ visit: Visit }> = ({ visit }) => {
  const tabs = [
    ['/console', 'Overview'],
    ['/console/projects', 'Projects'],
    ['/console/apps', 'Apps'],
    ['/console/store', 'Store'],
    ['/console/test', 'Test message'],
    ['/console/trace', 'Trace'],
    ['/console/receiving', 'Receiving'],
    ...(visit.viewer.administrator ? ([['/console/limits', 'Limits']] as const) : []),
  ] as const;
  const homes = [
    [/^\/console\/(projects|clients|messages)/, '/console/projects'],
    [/^\/console\/(apps|groups)/, '/console/apps'],
  ] as const;
  const home = homes.find(([pattern]) => pattern.test(visit.path))?.[1] ?? visit.path;
  return (
    <nav class="tabs" aria-label="Console">
      {tabs.map(([href, label]) => (
        <a
          href={href}
          aria-current={
            home === href || (href !== '/console' && home.startsWith(`${href}/`)) ? 'page' : undefined
          }
        >
          {label}
        </a>
      ))}
    </nav>
  );
};

interface ActProps {
  readonly visit: Visit;
  readonly action: string;
  readonly hidden?: Readonly<Record<string, string>> | undefined;
  readonly inline?: boolean | undefined;
  readonly files?: boolean | undefined;
}

/** A form of the console: its token is made for the one who looks at it and for its address. */
export const Act: FC<PropsWithChildren<ActProps>> = ({ visit, children, ...form }) => (
  <Form token={visit.token(form.action)} {...form}>
    {children}
  </Form>
);

/** Asks the password of who is signed in. The address beside it, unseen, tells password managers which one to offer. */
export const AskPassword: FC<{ visit: Visit; hint?: string }> = ({ visit, hint }) => (
  <>
    <input type="text" name="username" autocomplete="username" value={visit.account.email} hidden readonly />
    <Field
      label="Your password"
      name="password"
      type="password"
      autocomplete="current-password"
      hint={hint}
      required
    />
  </>
);

/** Details that are one click away: for what is seldom needed or cannot be undone. */
export const More: FC<PropsWithChildren<{ label: string }>> = ({ label, children }) => (
  <details class="more">
    <summary>{label}</summary>
    <div class="stack">{children}</div>
  </details>
);

export const OnOff: FC<{ on: boolean }> = ({ on }) => (
  <Badge kind={on ? 'success' : undefined}>{on ? 'On' : 'Off'}</Badge>
);

/** A long id that may wrap and can be selected as a whole. */
export const Id: FC<{ of: string }> = ({ of }) => <code class="id">{of}</code>;

const refusalTitles: Readonly<Record<number, string>> = {
  403: 'You may not do this',
  404: 'There is nothing here',
  413: 'That is too large',
  429: 'Too fast',
};

/** A refusal: what was refused, why, and what to do next. */
export function refusalPage(visit: Visit, error: ReveilleError): JSX.Element {
  const { shown, next } = errorTable[error.code];
  const why = shown && error.detail !== undefined ? error.detail : error.sentence;
  return (
    <ConsolePage visit={visit} title={refusalTitles[error.status] ?? 'That did not work'}>
      <Card>
        <p>{why}</p>
        {why !== error.sentence && <p class="soft">{next}</p>}
        <div>
          <Button href="/console" kind="quiet">
            Back to the overview
          </Button>
        </div>
      </Card>
    </ConsolePage>
  );
}
