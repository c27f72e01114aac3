import type { JSX } from 'hono/jsx/jsx-runtime';
import { Code } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { Page, type Viewer } from '../pages/page.tsx';
import { Look } from './frame.tsx';

export interface LandingProps {
  readonly origin: string;
  readonly viewer: Viewer | undefined;
  /** Nobody has an account yet: whoever makes the first becomes the administrator. */
  readonly fresh: boolean;
}

/** The front page: what this server is, and the way in. */
export function landingPage({ origin, viewer, fresh }: LandingProps): JSX.Element {
  return (
    <Page title="The push service that you own" account={viewer} at="/" head={<Look />}>
      <section class="hero">
        <div class="hero-words">
          <h1>The push service that you own</h1>
          <p class="hero-lead">
            One authorised request runs a handler in the browser, at once or as soon as it is back. Google
            Cloud Messaging for Chrome, alive again, on your own machine.
          </p>
          <Actions viewer={viewer} fresh={fresh} />
        </div>
        <div class="hero-code">
          <p class="small soft">Send, from any server:</p>
          <Code text={sendExample(origin)} />
          <p class="small soft later">Receive, in an extension:</p>
          <Code text={receiveExample} />
        </div>
      </section>
      <section class="tiles promises" aria-label="What it promises">
        <Vow title="Nothing accepted is lost">
          A message is on disk before it is answered. A device that is away gets the newest of each subchannel
          when it returns.
        </Vow>
        <Vow title="Delivered means handled">
          Received is not enough: a message counts as delivered when its handler has ended well. Until then it
          is offered again.
        </Vow>
        <Vow title="Yours alone">
          Accounts, OAuth, apps and messages live on this server. Only who owns an app sends for it, and every
          user sees which apps may.
        </Vow>
      </section>
    </Page>
  );
}

const Actions = ({ viewer, fresh }: Pick<LandingProps, 'viewer' | 'fresh'>): JSX.Element => {
  if (viewer !== undefined) {
    return (
      <div class="row">
        <Button href="/console">Open the console</Button>
        <Button href="/console/receiving" kind="quiet">
          Apps that may send to me
        </Button>
      </div>
    );
  }
  if (fresh) {
    return (
      <div class="stack">
        <div class="row">
          <Button href="/accounts/sign-up">Create the first account</Button>
        </div>
        <p class="small soft">
          Nobody has an account here yet. The first one becomes the administrator of this server.
        </p>
      </div>
    );
  }
  return (
    <div class="row">
      <Button href="/accounts/sign-in?return=%2Fconsole">Sign in</Button>
      <Button href="/accounts/sign-up" kind="quiet">
        Create an account
      </Button>
    </div>
  );
};

const Vow = ({ title, children }: { title: string; children?: string }): JSX.Element => (
  <div class="promise">
    <h2>{title}</h2>
    <p>{children}</p>
  </div>
);

const sendExample = (origin: string): string =>
  [
    'curl \\',
    `  ${origin}/gcm_for_chrome/v1/messages \\`,
    '  -H "Authorization: Bearer $ACCESS_TOKEN" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '{"channelId": "'$CHANNEL'", "subchannelId": 0,`,
    `       "payload": "Good morning!"}'`,
  ].join('\n');

const receiveExample = [
  'chrome.pushMessaging.onMessage.addListener(',
  '  ({ subchannelId, payload }) => show(payload)',
  ');',
].join('\n');
