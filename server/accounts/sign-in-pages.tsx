import type { FC } from 'hono/jsx';
import { Card, Notice } from '../pages/content.tsx';
import { Button, Field, Form } from '../pages/form.tsx';
import { Face, Page } from '../pages/page.tsx';
import type { Account } from './account.ts';
import { passwordLength } from './credentials.ts';
import { hiddenReturn, withReturn } from './return-path.ts';
import type { AskingApp } from './route-deps.ts';
import type { SignUpNeeds } from './sign-up.ts';

/** What a form shows again after it was refused, and why. */
export interface Again {
  readonly message?: string | undefined;
  readonly kind?: 'error' | 'success' | undefined;
  /** Name of the field that is at fault, when one is. */
  readonly field?: string | undefined;
}

interface SignInProps {
  /** The app that asks its user to sign in; without one the reader came by themselves. */
  readonly app?: AskingApp | undefined;
  readonly token: string;
  readonly returnTo: string | undefined;
  readonly email?: string | undefined;
  readonly again?: Again | undefined;
  readonly maySignUp: boolean;
  /** A forgotten password can be set anew by mail. */
  readonly mayReset: boolean;
}

/** What the user of an app reads first: which app it is, and what signing in is for. */
const AppContext: FC<{ app: AskingApp }> = ({ app: { name, icon } }) => (
  <header class="asker">
    {icon === undefined ? <Face name={name} /> : <img src={icon} alt="" width="48" height="48" />}
    <div>
      <h1>Messages from {name}</h1>
      <p>
        {name} can reach you in this browser once you are signed in. You can pause or remove it at any time
        under Apps that may send to me.
      </p>
    </div>
  </header>
);

export const SignInPage: FC<SignInProps> = ({ app, token, returnTo, email, again, maySignUp, mayReset }) => (
  <Page title={app === undefined ? 'Sign in' : `Sign in for ${app.name}`} narrow>
    <Card>
      {app === undefined ? (
        <header>
          <h1>Sign in</h1>
          <p>One account for the console and for every app that sends you messages here.</p>
        </header>
      ) : (
        <AppContext app={app} />
      )}
      {again?.message && <Notice kind={again.kind ?? 'error'}>{again.message}</Notice>}
      <Form action="/accounts/sign-in" token={token} hidden={hiddenReturn(returnTo)}>
        <Field
          label="E-mail"
          name="email"
          type="email"
          value={email}
          autocomplete="username"
          required
          autofocus={!email}
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus={!!email}
        />
        <Button>Sign in</Button>
      </Form>
    </Card>
    <p class="beside">
      {maySignUp ? (
        <>
          No account yet? <a href={withReturn('/accounts/sign-up', returnTo)}>Create one</a>
        </>
      ) : (
        'Accounts on this server are made by its administrator.'
      )}
    </p>
    {mayReset && (
      <p class="beside">
        <a href={withReturn('/accounts/forgot-password', returnTo)}>Forgot your password?</a>
      </p>
    )}
  </Page>
);

export interface SignUpValues {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly invite?: string | undefined;
  readonly setupCode?: string | undefined;
}

interface SignUpProps {
  readonly app?: AskingApp | undefined;
  readonly token: string;
  readonly returnTo: string | undefined;
  readonly needs: SignUpNeeds;
  /** The first account of the server is the administrator. */
  readonly first: boolean;
  readonly values: SignUpValues;
  readonly again?: Again | undefined;
}

export const SignUpPage: FC<SignUpProps> = (props) => (
  <Page title="Create an account" narrow>
    <Card>
      <header>
        <h1>{props.first ? 'Set up this server' : 'Create an account'}</h1>
        <p>
          {props.first
            ? 'The first account is the administrator: it invites others and looks after the server.'
            : `For ${props.app?.name ?? 'the console'}, and for every app that sends you messages here.`}
        </p>
      </header>
      {props.needs === 'impossible' ? (
        <Notice kind="info">This server makes no accounts by itself. Ask its administrator for one.</Notice>
      ) : (
        <SignUpForm {...props} />
      )}
    </Card>
    <p class="beside">
      Have an account? <a href={withReturn('/accounts/sign-in', props.returnTo)}>Sign in</a>
    </p>
  </Page>
);

const SignUpForm: FC<SignUpProps> = ({ token, returnTo, needs, values, again }) => {
  const wrong = (name: string): string | undefined => (again?.field === name ? again.message : undefined);
  const elsewhere = again?.message !== undefined && !shown(needs).includes(again.field ?? '');
  return (
    <>
      {elsewhere && <Notice kind="error">{again?.message}</Notice>}
      <Form action="/accounts/sign-up" token={token} hidden={hiddenReturn(returnTo)}>
        {needs === 'setup-code' && (
          <Field
            label="Set-up code"
            name="setupCode"
            value={values.setupCode}
            hint="“reveille serve” printed it when it started."
            error={wrong('setupCode')}
            required
            autofocus
          />
        )}
        {needs === 'invite' && (
          <Field
            label="Invite"
            name="invite"
            value={values.invite}
            hint="The code that the administrator gave you."
            error={wrong('invite')}
            required
          />
        )}
        <Field
          label="Name"
          name="name"
          value={values.name}
          autocomplete="name"
          maxlength={80}
          required
          autofocus={needs === 'nothing'}
        />
        <Field
          label="E-mail"
          name="email"
          type="email"
          value={values.email}
          autocomplete="username"
          error={wrong('email')}
          required
        />
        <Field
          label="Password"
          name="password"
          type="password"
          autocomplete="new-password"
          hint={`At least ${passwordLength.min} characters. A few words are good.`}
          error={wrong('password')}
          minlength={passwordLength.min}
          maxlength={passwordLength.max}
          required
        />
        <Button>Create the account</Button>
      </Form>
    </>
  );
};

/** Fields that can show their own error. */
const shown = (needs: SignUpNeeds): readonly string[] => [
  'email',
  'password',
  ...(needs === 'setup-code' ? ['setupCode'] : needs === 'invite' ? ['invite'] : []),
];

interface ChooseProps {
  readonly account: Account;
  readonly returnTo: string;
}

/** Continue as the one who is signed in, or as someone else. Links, no form: what follows may leave this origin. */
export const ChoosePage: FC<ChooseProps> = ({ account, returnTo }) => (
  <Page title="Choose an account" narrow>
    <Card>
      <h1>Choose an account</h1>
      <div class="stack">
        <a class="choice" href={returnTo}>
          <Face name={account.name} />
          <span>
            Continue as {account.name}
            <small>{account.email}</small>
          </span>
        </a>
        <a class="choice" href={withReturn('/accounts/sign-in', returnTo, { another: 'yes' })}>
          <Face name="+" />
          <span>Use another account</span>
        </a>
      </div>
    </Card>
  </Page>
);
