import type { FC } from 'hono/jsx';
import type { Account } from '../accounts/account.ts';
import { Card, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Form } from '../pages/form.tsx';
import { Page, PageHead } from '../pages/page.tsx';
import type { AuthorizationRequest, Unaddressed } from './authorization-request.ts';
import { bounds } from './bounds.ts';
import type { Grant } from './grants.ts';
import { meaningsOf } from './scopes.ts';

interface AskProps {
  readonly request: AuthorizationRequest;
  readonly account: Account;
  readonly token: string;
  /** Path of the chooser that comes back here. */
  readonly choosePath: string;
  readonly message?: string | undefined;
}

/** Who would like to do what, in whose name; yes or no. */
export const ConsentPage: FC<AskProps> = ({ request, account, token, choosePath, message }) => (
  <Page title="Allow access" narrow>
    <Card>
      <header>
        <h1>{request.asker.name}</h1>
        <p>{request.asker.kind === 'app' ? 'This app would like to:' : 'This service would like to:'}</p>
      </header>
      {message && <Notice kind="error">{message}</Notice>}
      <ul>
        {meaningsOf(request.scope).map((meaning) => (
          <li>{meaning}</li>
        ))}
        {request.offline && <li>Do this also while you are not here, until you revoke it</li>}
      </ul>
      <Facts
        of={[
          ['Signed in as', account.email],
          ['Answer goes to', new URL(request.redirectUri).host],
        ]}
      />
      <Form action="/o/oauth2/auth" token={token} hidden={{ request: request.query }}>
        <Button name="decision" value="allow">
          Allow access
        </Button>
        <Button kind="quiet" name="decision" value="deny">
          No, thanks
        </Button>
      </Form>
    </Card>
    <p class="beside">
      Not you? <a href={choosePath}>Use another account</a>. You can revoke access at any time under Connected
      services.
    </p>
  </Page>
);

interface FullProps extends AskProps {
  readonly grants: readonly Grant[];
}

/** 25 refresh tokens are alive: one must go before another can come, and its owner says which. */
export const FullPage: FC<FullProps> = ({ request, account, token, grants, message }) => (
  <Page title="Too many connections">
    <PageHead
      title="Revoke one first"
      lead={`${request.asker.name} holds ${bounds.refreshTokensPerAccountAndClient} connections to ${account.email}, and more are not given. Nothing was changed. Revoke one that is no longer used, then go on.`}
    />
    <div class="stack-wide">
      {message && <Notice kind="error">{message}</Notice>}
      {grants.length < bounds.refreshTokensPerAccountAndClient && (
        <Notice kind="info">
          Some were allowed a moment ago and are not in use yet: try again in a minute.
        </Notice>
      )}
      <Table
        caption={`Connections of ${request.asker.name}`}
        columns={['Since', 'Last used', { label: 'Revoke', align: 'end', unseen: true }]}
        rows={grants.map((grant) => [
          <Time at={grant.createdAt} />,
          grant.lastUsedAt === null ? 'Never' : <Time at={grant.lastUsedAt} />,
          <Form
            action="/o/oauth2/auth"
            token={token}
            hidden={{ request: request.query, grant: grant.id }}
            inline
          >
            <Button kind="danger" compact name="decision" value="revoke">
              Revoke
            </Button>
          </Form>,
        ])}
      />
      <Form action="/o/oauth2/auth" token={token} hidden={{ request: request.query }}>
        <Button kind="quiet" name="decision" value="deny">
          Go back without access
        </Button>
      </Form>
    </div>
  </Page>
);

/** What went wrong before it was sure where an answer may go: said here, sent nowhere. */
export const FaultPage: FC<{ of: Pick<Unaddressed, 'fault' | 'sentence'> }> = ({ of }) => (
  <Page title={`Error: ${of.fault}`} narrow>
    <Card>
      <header>
        <h1>That's an error.</h1>
      </header>
      <p>
        <strong>Error: {of.fault}</strong>
      </p>
      <p>{of.sentence}</p>
      <p class="soft">
        You did nothing wrong: the program that sent you here must be corrected by its developer.
      </p>
    </Card>
  </Page>
);
