import type { FC } from 'hono/jsx';
import { Badge, Card, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Field, Form, KnownUser } from '../pages/form.tsx';
import { Page, PageHead, type Viewer } from '../pages/page.tsx';
import type { Account, SignIn } from './account.ts';
import { browserName, shortAddress } from './browser-name.ts';
import { passwordLength } from './credentials.ts';

/** Tokens of the forms, by what they do. */
export interface AccountTokens {
  readonly password: string;
  readonly signIns: string;
  readonly export: string;
}

interface AccountPageProps {
  readonly account: Account;
  readonly viewer: Viewer;
  readonly signIns: readonly SignIn[];
  /** Id of the sign-in that shows the page. */
  readonly here: string;
  readonly tokens: AccountTokens;
  readonly done?: string | undefined;
  readonly passwordError?: string | undefined;
}

export const AccountPage: FC<AccountPageProps> = ({
  account,
  viewer,
  signIns,
  here,
  tokens,
  done,
  passwordError,
}) => (
  <Page title="Account" account={viewer} at="/accounts">
    <PageHead
      title="Account"
      lead="Who you are on this server, where you are signed in, and what is yours to take or to delete."
    />
    <div class="stack-wide">
      {done && <Notice kind="success">{done}</Notice>}
      <Card title="You">
        <Facts
          of={[
            ['Name', account.name],
            ['E-mail', account.email],
            ['Role', account.role === 'administrator' ? 'Administrator of this server' : 'User'],
          ]}
        />
      </Card>
      <SignInsCard signIns={signIns} here={here} token={tokens.signIns} />
      <Card
        title="Your devices"
        lead="Browsers and programs that get messages for you. Each can be signed out by itself."
      >
        <div>
          <Button kind="quiet" href="/console/receiving/devices">
            My devices
          </Button>
        </div>
      </Card>
      <PasswordCard token={tokens.password} email={account.email} error={passwordError} />
      <Card
        title="Your data"
        lead="Everything that this server holds about you, as one JSON file. Passwords and tokens are not in it."
      >
        <Form action="/accounts/export" token={tokens.export} inline>
          <Button kind="quiet">Download my data</Button>
        </Form>
      </Card>
      <Card
        title="Delete the account"
        lead="Your sign-ins, channels, grants and devices end at once. There is no way back."
        danger
      >
        <div>
          <Button kind="quiet" href="/accounts/delete">
            Delete my account…
          </Button>
        </div>
      </Card>
    </div>
  </Page>
);

const SignInsCard: FC<{ signIns: readonly SignIn[]; here: string; token: string }> = ({
  signIns,
  here,
  token,
}) => (
  <Card title="Where you are signed in" lead="End what you do not know. Then change your password.">
    {signIns.length > 1 && (
      <Form action="/accounts/sign-ins/end" token={token} hidden={{ which: 'others' }} inline>
        <Button kind="quiet" compact>
          End all others
        </Button>
      </Form>
    )}
    <Table
      caption="Your sign-ins"
      columns={['Program', 'Address', 'Since', 'Last seen', { label: 'Actions', align: 'end', unseen: true }]}
      rows={signIns.map((signIn) => [
        browserName(signIn.userAgent),
        shortAddress(signIn.address),
        <Time at={signIn.createdAt} />,
        <Time at={signIn.lastSeenAt} />,
        signIn.id === here ? (
          <Badge kind="success">This one</Badge>
        ) : (
          <Form action="/accounts/sign-ins/end" token={token} hidden={{ which: signIn.id }} inline>
            <Button kind="quiet" compact label={`End the sign-in of ${browserName(signIn.userAgent)}`}>
              End
            </Button>
          </Form>
        ),
      ])}
    />
  </Card>
);

const PasswordCard: FC<{ token: string; email: string; error: string | undefined }> = ({
  token,
  email,
  error,
}) => (
  <Card title="Change the password" lead="All other sign-ins end with it." id="password">
    {error && <Notice kind="error">{error}</Notice>}
    <Form action="/accounts/password" token={token}>
      <KnownUser email={email} />
      <Field
        label="Current password"
        name="current"
        type="password"
        autocomplete="current-password"
        required
      />
      <Field
        label="New password"
        name="next"
        type="password"
        autocomplete="new-password"
        hint={`At least ${passwordLength.min} characters. A few words are good.`}
        minlength={passwordLength.min}
        maxlength={passwordLength.max}
        required
      />
      <div>
        <Button>Change the password</Button>
      </div>
    </Form>
  </Card>
);

/** The last question before an account goes. */
export const DeletePage: FC<{ viewer: Viewer; email: string; token: string; error?: string | undefined }> = (
  props,
) => (
  <Page title="Delete the account" account={props.viewer} at="/accounts" narrow>
    <Card danger>
      <header>
        <h1>Delete the account?</h1>
        <p>
          {props.email} and everything that hangs on it will be gone: sign-ins, channels, grants, devices.
        </p>
      </header>
      {props.error && <Notice kind="error">{props.error}</Notice>}
      <Form action="/accounts/delete" token={props.token}>
        <KnownUser email={props.email} />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus
        />
        <Button kind="danger">Delete for ever</Button>
        <Button kind="quiet" href="/accounts">
          Keep it
        </Button>
      </Form>
    </Card>
  </Page>
);
