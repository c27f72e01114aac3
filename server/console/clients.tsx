import type { JSX } from 'hono/jsx/jsx-runtime';
import { SEND_SCOPE } from '../core/sender.ts';
import type { Client } from '../oauth/clients.ts';
import type { Project } from '../oauth/projects.ts';
import { may, type ProjectRole } from '../oauth/roles.ts';
import { Badge, Card, Code, Facts, Notice, Time } from '../pages/content.tsx';
import { Button, Check, Field } from '../pages/form.tsx';
import { Act, AskPassword, ConsolePage, Id, More } from './frame.tsx';
import type { Visit } from './visit.ts';

/** Where the local page for codes is expected when a client is made: nothing has to listen, the code is in the address. */
const LOCAL_REDIRECT = 'http://localhost:8031/oauth2callback';

export interface ClientForm {
  readonly name: string;
  readonly redirectUris: string;
}

/** What a fresh client starts with: the playground, and a local address for one's own scripts. */
export function freshClient(origin: string): ClientForm {
  return { name: 'Web client', redirectUris: `${origin}/oauthplayground\n${LOCAL_REDIRECT}` };
}

const redirectHint = 'One a line, exactly as your program sends it: https anywhere, http on localhost only.';

/** The form for a client of a project. */
export function clientFormPage(
  visit: Visit,
  project: Project,
  form: ClientForm,
  fault?: string,
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Create an OAuth 2.0 client ID"
      lead="A client is a program that sends. Application type: web application."
      trail={[
        ['/console/projects', 'Projects'],
        [`/console/projects/${project.id}`, project.name],
      ]}
      fault={fault}
    >
      <Card>
        <Act visit={visit} action={`/console/projects/${project.id}/clients`}>
          <Field label="Name" name="name" value={form.name} required maxlength={80} />
          <Field
            label="Authorized redirect URIs"
            name="redirectUris"
            value={form.redirectUris}
            lines={4}
            hint={redirectHint}
          />
          <div>
            <Button>Create client ID</Button>
          </div>
        </Act>
      </Card>
    </ConsolePage>
  );
}

interface ClientPageProps {
  readonly origin: string;
  readonly client: Client;
  readonly project: Project & { readonly role: ProjectRole };
  /** The secret and the key of its download, within ten minutes after the password was asked. */
  readonly shown?: { readonly secret: string; readonly key: string } | undefined;
  readonly fault?: string | undefined;
  readonly sent?: ClientForm | undefined;
}

/** One client: its id and secret, how to get a refresh token with it, its redirects, its end. */
export function clientPage(visit: Visit, props: ClientPageProps): JSX.Element {
  const { client, project, fault } = props;
  const editor = may(project.role, 'change-clients');
  return (
    <ConsolePage
      visit={visit}
      title={client.name}
      lead={`OAuth client of ${project.name}.`}
      trail={[
        ['/console/projects', 'Projects'],
        [`/console/projects/${project.id}`, project.name],
      ]}
      fault={fault}
    >
      <Card title="Client ID and secret">
        <Facts
          of={[
            ['Client ID', <Id of={client.id} />],
            ['Type', client.kind === 'web' ? 'Web application' : 'Installed application'],
            ['Created', <Time at={client.createdAt} />],
          ]}
        />
        {may(project.role, 'see-secrets') ? (
          secretPart(visit, props)
        ) : (
          <p class="soft">Seeing the secret takes the role "editor" in this project.</p>
        )}
      </Card>
      {refreshTokenCard(visit, props)}
      {editor && settingsCard(visit, props)}
      {editor && endCard(visit, client)}
    </ConsolePage>
  );
}

function secretPart(visit: Visit, { client, shown }: ClientPageProps): JSX.Element {
  const home = `/console/clients/${client.id}`;
  if (shown !== undefined) {
    return (
      <div class="stack">
        <Notice kind="warning">
          Shown for ten minutes. Whoever has it, together with a refresh token, sends in your name.
        </Notice>
        <Facts of={[['Client secret', <Id of={shown.secret} />]]} />
        <div>
          <Button href={`${home}/client_secrets.json?unlock=${shown.key}`}>
            Download client_secrets.json
          </Button>
        </div>
      </div>
    );
  }
  return (
    <Act visit={visit} action={`${home}/secret`}>
      <AskPassword visit={visit} hint="To show the client secret and to download client_secrets.json." />
      <div>
        <Button kind="quiet">Show the secret</Button>
      </div>
    </Act>
  );
}

function refreshTokenCard(visit: Visit, { client, origin, shown }: ClientPageProps): JSX.Element {
  // The playground takes codes for itself; a local address that nobody listens at leaves the code to be read.
  const redirect = client.redirectUris.find((uri) => !uri.startsWith(origin)) ?? client.redirectUris[0];
  if (redirect === undefined) {
    return (
      <Card title="Get a refresh token">
        <p>Give the client a redirect URI first: that is where the code comes back.</p>
      </Card>
    );
  }
  const query = new URLSearchParams({
    client_id: client.id,
    redirect_uri: redirect,
    response_type: 'code',
    scope: SEND_SCOPE,
    access_type: 'offline',
    approval_prompt: 'force',
  });
  const exchange = [
    `curl ${origin}/o/oauth2/token \\`,
    '  -d grant_type=authorization_code \\',
    `  -d client_id=${client.id} \\`,
    `  -d client_secret=${shown?.secret ?? 'THE_SECRET'} \\`,
    `  -d redirect_uri=${redirect} \\`,
    "  -d code='THE_CODE'",
  ].join('\n');
  return (
    <Card
      title="Get a refresh token"
      lead="Once, in this browser, as the account that owns the app. It stands until it is revoked."
    >
      {toPlayground(visit, client, origin, shown?.secret)}
      <p class="soft">By hand instead:</p>
      <ol class="steps">
        <li>
          <a href={`/o/oauth2/auth?${query}`}>Allow this client to send in your name</a>. The browser comes
          back to <code>{redirect}</code>; the code is in its address, behind <code>code=</code>. It holds for
          60 seconds.
        </li>
        <li>
          Exchange the code:
          <Code text={exchange} />
        </li>
        <li>
          Keep the <code>refresh_token</code> of the answer with your program.
        </li>
      </ol>
    </Card>
  );
}

/** The quick way: the playground with everything filled in. The secret goes along in the form, in no address. */
function toPlayground(visit: Visit, client: Client, origin: string, secret: string | undefined): JSX.Element {
  if (!client.redirectUris.includes(`${origin}/oauthplayground`))
    return (
      <p>
        Add <code class="id">{`${origin}/oauthplayground`}</code> to the redirect URIs below, and the
        playground gets a refresh token with a few clicks.
      </p>
    );
  if (secret === undefined)
    return (
      <p>Show the secret above first: then one button opens the playground with everything filled in.</p>
    );
  return (
    <Act
      visit={visit}
      action="/oauthplayground/open"
      hidden={{ clientId: client.id, clientSecret: secret }}
      inline
    >
      <Button>Open in the playground</Button>
    </Act>
  );
}

function settingsCard(visit: Visit, { client, sent }: ClientPageProps): JSX.Element {
  return (
    <Card title="Settings">
      <Act visit={visit} action={`/console/clients/${client.id}`}>
        <Field label="Name" name="name" value={sent?.name ?? client.name} required maxlength={80} />
        <Field
          label="Authorized redirect URIs"
          name="redirectUris"
          value={sent?.redirectUris ?? client.redirectUris.join('\n')}
          lines={4}
          hint={redirectHint}
        />
        <div>
          <Button>Save settings</Button>
        </div>
      </Act>
    </Card>
  );
}

function endCard(visit: Visit, client: Client): JSX.Element {
  const home = `/console/clients/${client.id}`;
  return (
    <Card title="Reset or delete">
      <More label="Reset the secret">
        <p>
          The secret of today is void at once, and so are the access tokens that were got with it. Refresh
          tokens stay.
        </p>
        <Act visit={visit} action={`${home}/reset`}>
          <Check name="sure" required>
            Make the secret of today void
          </Check>
          <div>
            <Button kind="danger">Reset secret</Button>
          </div>
        </Act>
      </More>
      <More label="Delete the client">
        <p>
          Every grant to it ends at once: whoever sends with it is refused.{' '}
          <Badge kind="warning">cannot be undone</Badge>
        </p>
        <Act visit={visit} action={`${home}/remove`}>
          <Check name="sure" required>
            Delete {client.name} for good
          </Check>
          <div>
            <Button kind="danger">Delete client</Button>
          </div>
        </Act>
      </More>
    </Card>
  );
}
