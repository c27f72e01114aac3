import type { FC } from 'hono/jsx';
import { Card, Notice } from '../pages/content.tsx';
import { Button, Field, Form } from '../pages/form.tsx';
import { Page } from '../pages/page.tsx';
import { passwordLength } from './credentials.ts';
import { hiddenReturn, withReturn } from './return-path.ts';
import type { Again } from './sign-in-pages.tsx';

interface AskProps {
  readonly token: string;
  readonly returnTo: string | undefined;
  readonly email?: string | undefined;
  readonly again?: Again | undefined;
}

/** Where a link by mail is asked for. */
export const AskResetPage: FC<AskProps> = ({ token, returnTo, email, again }) => {
  const ofEmail = again?.field === 'email' ? again.message : undefined;
  return (
    <Page title="Forgot your password?" narrow>
      <Card>
        <header>
          <h1>Forgot your password?</h1>
          <p>Say which address your account has. You get a mail with a link to choose another password.</p>
        </header>
        {again?.message && !ofEmail && <Notice kind={again.kind ?? 'error'}>{again.message}</Notice>}
        <Form action="/accounts/forgot-password" token={token} hidden={hiddenReturn(returnTo)}>
          <Field
            label="E-mail"
            name="email"
            type="email"
            value={email}
            autocomplete="username"
            error={ofEmail}
            required
            autofocus
          />
          <Button>Send the link</Button>
        </Form>
      </Card>
      <p class="beside">
        <a href={withReturn('/accounts/sign-in', returnTo)}>Back to signing in</a>
      </p>
    </Page>
  );
};

/** After it was asked for: the same for everyone. */
export const ResetSentPage: FC<Pick<AskProps, 'returnTo'> & { readonly email: string }> = ({
  returnTo,
  email,
}) => (
  <Page title="Look into your mail" narrow>
    <Card>
      <header>
        <h1>Look into your mail</h1>
        <p>
          If <strong>{email}</strong> has an account here, a mail with a link is on its way. The link is good
          for one hour, and once.
        </p>
      </header>
      <p>
        Nothing there after a few minutes? Look among the unwanted mail, and whether the address is the one
        that you signed up with. Else whoever runs this service can set a new password for you.
      </p>
      <Button kind="quiet" href={withReturn('/accounts/forgot-password', returnTo)}>
        Try another address
      </Button>
    </Card>
    <p class="beside">
      <a href={withReturn('/accounts/sign-in', returnTo)}>Back to signing in</a>
    </p>
  </Page>
);

interface ChooseProps {
  readonly token: string;
  /** The token of the mail's link. */
  readonly link: string;
  readonly again?: Again | undefined;
}

/** Where the link leads. */
export const NewPasswordPage: FC<ChooseProps> = ({ token, link, again }) => {
  const ofPassword = again?.field === 'password' ? again.message : undefined;
  return (
    <Page title="Choose a new password" narrow>
      <Card>
        <header>
          <h1>Choose a new password</h1>
          <p>You are then signed out everywhere, and sign in with the new one.</p>
        </header>
        {again?.message && !ofPassword && <Notice kind="error">{again.message}</Notice>}
        <Form action="/accounts/new-password" token={token} hidden={{ link }}>
          <Field
            label="New password"
            name="password"
            type="password"
            autocomplete="new-password"
            hint={`At least ${passwordLength.min} characters. A few words are good.`}
            error={ofPassword}
            minlength={passwordLength.min}
            maxlength={passwordLength.max}
            required
            autofocus
          />
          <Button>Set the password</Button>
        </Form>
      </Card>
      <p class="beside">
        <a href="/accounts/forgot-password">Ask for another link</a>
      </p>
    </Page>
  );
};
