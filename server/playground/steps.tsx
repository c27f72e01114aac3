import type { FC } from 'hono/jsx';
import { givenScopes } from '../oauth/scopes.ts';
import { Card, Facts, Notice, Time } from '../pages/content.tsx';
import { Button, Check, Field, Form, Select } from '../pages/form.tsx';
import { redirectUri } from './oauth-steps.ts';
import { methods } from './own-request.ts';
import type { Configuration } from './plays.ts';
import { examples, PLAYGROUND } from './share.ts';
import type { Shown, Step } from './shown.ts';

const Fault: FC<{ of: Shown; at: Step }> = ({ of: { fault }, at }) =>
  fault?.step === at ? <Notice kind="error">{fault.sentence}</Notice> : null;

/** The gear: how it is asked, and as which client. */
export const Configure: FC<Shown> = (shown) => {
  const { origin, token, play, fault } = shown;
  const { configuration } = play;
  return (
    <details class="card gear" id="configuration" open={fault?.step === 'configuration'}>
      <summary>
        <span aria-hidden="true">⚙</span> OAuth 2.0 Configuration
        <small>{configuration.own ? `Client ${configuration.clientId}` : 'No credentials yet'}</small>
      </summary>
      <Fault of={shown} at="configuration" />
      <Form action={`${PLAYGROUND}/configuration`} token={token}>
        <Check name="own" checked={configuration.own}>
          Use your own OAuth credentials
        </Check>
        <Field
          label="OAuth Client ID"
          name="clientId"
          value={configuration.clientId}
          hint={
            <>
              Its redirect URIs must name <code class="id">{redirectUri(origin)}</code>, as a fresh client of
              the console does.
            </>
          }
          autocomplete="off"
          maxlength={200}
        />
        <Field
          label="OAuth Client secret"
          name="clientSecret"
          type="password"
          autocomplete="off"
          maxlength={200}
          hint={configuration.clientSecret === '' ? undefined : 'Kept. Leave it empty to go on with it.'}
        />
        <Ways of={configuration} />
        <p class="soft small">OAuth flow: server-side. Endpoints: those of this server.</p>
        <div>
          <Button>Close</Button>
        </div>
      </Form>
    </details>
  );
};

const Ways: FC<{ of: Configuration }> = ({ of: configuration }) => (
  <>
    <Select
      label="Access type"
      name="accessType"
      value={configuration.accessType}
      options={[
        { value: 'offline', label: 'Offline: with a refresh token' },
        { value: 'online', label: 'Online: an access token alone' },
      ]}
    />
    <Select
      label="Approval prompt"
      name="prompt"
      value={configuration.prompt}
      hint="A refresh token comes only after the consent page was shown."
      options={[
        { value: 'force', label: 'Always ask for consent' },
        { value: 'auto', label: 'Ask when it was not given before' },
      ]}
    />
    <Select
      label="Access token location"
      name="tokenPlace"
      value={configuration.tokenPlace}
      options={[
        { value: 'bearer', label: 'Authorization header w/ Bearer prefix' },
        { value: 'oauth', label: 'Authorization header w/ OAuth prefix' },
        { value: 'query', label: 'Access token in the request URI' },
      ]}
    />
  </>
);

/** Which rights to ask for, and off to the consent page. */
export const ScopeStep: FC<Shown> = (shown) => {
  const wanted = new Set(shown.play.scope.split(' '));
  const given = new Set(givenScopes.map(([scope]) => scope));
  const others = [...wanted].filter((scope) => !given.has(scope)).join(' ');
  return (
    <Card title="Step 1: Select & authorize APIs" id="scopes">
      <Fault of={shown} at="scopes" />
      <Form action={`${PLAYGROUND}/authorize`} token={shown.token}>
        {givenScopes.map(([scope, meaning]) => (
          <label class="check">
            <input type="checkbox" name="scope" value={scope} checked={wanted.has(scope)} />
            <span>
              <code class="id">{scope}</code>
              <small>{meaning}</small>
            </span>
          </label>
        ))}
        <Field
          label="Input your own scopes"
          name="ownScopes"
          value={others}
          hint="With a blank between two."
          maxlength={1_000}
        />
        <div>
          <Button>Authorize APIs</Button>
        </div>
      </Form>
    </Card>
  );
};

/** A code into tokens, and a refresh token into an access token. */
export const TokenStep: FC<Shown> = (shown) => {
  const { token, play, now } = shown;
  const { tokens } = play;
  return (
    <Card title="Step 2: Exchange authorization code for tokens" id="tokens">
      <Fault of={shown} at="tokens" />
      <Form action={`${PLAYGROUND}/tokens`} token={token}>
        <Field
          label="Authorization code"
          name="code"
          value={tokens.code}
          hint="Good once, for 60 seconds."
          autocomplete="off"
          maxlength={2_048}
        />
        <div>
          <Button name="do" value="exchange" kind={tokens.code === '' ? 'quiet' : 'main'}>
            Exchange authorization code for tokens
          </Button>
        </div>
        <Field
          label="Refresh token"
          name="refreshToken"
          value={tokens.refreshToken}
          hint="Keep it with your program. It stands until it is revoked."
          autocomplete="off"
          maxlength={2_048}
        />
        <Field
          label="Access token"
          name="accessToken"
          value={tokens.accessToken}
          autocomplete="off"
          maxlength={2_048}
        />
        {tokens.expiresAt !== 0 && (
          <Facts
            of={[
              [
                'Ends',
                tokens.expiresAt < now ? (
                  'It has ended. Refresh it.'
                ) : (
                  <>
                    <Time at={tokens.expiresAt} />, in {Math.floor((tokens.expiresAt - now) / 1_000)} seconds
                  </>
                ),
              ],
            ]}
          />
        )}
        <Check name="autoRefresh" checked={tokens.autoRefresh}>
          Auto-refresh the token before it expires
        </Check>
        <div>
          <Button name="do" value="refresh" kind="quiet">
            Refresh access token
          </Button>
        </div>
      </Form>
    </Card>
  );
};

/** Any request to this server, with the access token in it. */
export const RequestStep: FC<Shown> = (shown) => {
  const { token, play } = shown;
  const { draft } = play;
  return (
    <Card title="Step 3: Configure request to API" id="request">
      <Fault of={shown} at="request" />
      <p class="row small">
        {Object.entries(examples).map(([name, { label }]) => (
          <a href={`${PLAYGROUND}?example=${name}#request`}>{label}</a>
        ))}
      </p>
      <Form action={`${PLAYGROUND}/send`} token={token}>
        <Select
          label="HTTP method"
          name="method"
          value={draft.method}
          options={methods.map((method) => ({ value: method, label: method }))}
        />
        <Field
          label="Request URI"
          name="url"
          value={draft.url}
          hint="On this server. Redirects are shown, not followed."
          required
          maxlength={2_000}
        />
        <Field
          label="Headers"
          name="headers"
          value={draft.headers}
          lines={2}
          hint="One a line. The access token is put in by itself."
          maxlength={4_000}
        />
        <Field label="Request body" name="body" value={draft.body} lines={6} maxlength={16_000} />
        <div>
          <Button>Send the request</Button>
        </div>
      </Form>
    </Card>
  );
};
