import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import { Card, Code, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Check, Field, Select } from '../pages/form.tsx';
import type { App, AppSettings } from '../webstore/apps.ts';
import type { Member, Membership } from '../webstore/groups.ts';
import { subchannelLines } from '../webstore/subchannel-names.ts';
import { ProofBadge, ProofForms } from './apps.tsx';
import { Act, AskPassword, ConsolePage, Id, More } from './frame.tsx';
import type { Visit } from './visit.ts';

export interface AppPageProps {
  readonly app: App;
  readonly origin: string;
  /** The viewer owns the group. */
  readonly owner: boolean;
  readonly members: readonly Member[];
  /** Groups of the viewer that the app could move to. */
  readonly others: readonly Membership[];
  /** Set for an owner of an unproven app. */
  readonly challenge?: string | undefined;
  readonly fault?: string | undefined;
  readonly sent?: (AppSettings & { readonly title: string; readonly subchannels: string }) | undefined;
}

/** One app: id and key, proof of ownership, who may send for it, settings, its end. */
export function appPage(visit: Visit, props: AppPageProps): JSX.Element {
  const { app, owner, fault } = props;
  return (
    <ConsolePage
      visit={visit}
      title={app.title}
      lead={`Of the publisher group ${app.groupName}.`}
      trail={[['/console/apps', 'Apps']]}
      fault={fault}
      action={
        <div class="row">
          <Button href={`/console/apps/${app.id}/traffic`} kind="quiet">
            Traffic
          </Button>
          <Button href="/console/trace" kind="quiet">
            Trace a message
          </Button>
          <Button href={`/console/test?app=${app.id}`} kind={app.proven ? 'main' : 'quiet'}>
            Send a test message
          </Button>
        </div>
      }
    >
      {!app.proven && proofCard(visit, props)}
      {identityCard(visit, props)}
      {membersCard(props)}
      <Card title="Webhooks" lead="Your server hears what becomes of messages, and when a device is gone.">
        <div>
          <Button href={`/console/apps/${app.id}/webhooks`} kind="quiet" compact>
            Webhooks of this app
          </Button>
        </div>
      </Card>
      {owner && settingsCard(visit, props)}
      {owner && endCard(visit, props)}
    </ConsolePage>
  );
}

function proofCard(visit: Visit, { app, challenge }: AppPageProps): JSX.Element {
  return (
    <Card title="Prove that you own this app">
      <Notice kind="warning">
        Registered by its public key alone, which everyone who installed it has too. Until it is proven it may
        send only to accounts of its own publisher group, its redirects and origins do not count, and whoever
        proves the key takes it over.
      </Notice>
      {challenge === undefined ? (
        <p>An owner of the group can prove it on this page.</p>
      ) : (
        <ProofForms visit={visit} action={`/console/apps/${app.id}/proof`} challenge={challenge} />
      )}
    </Card>
  );
}

function identityCard(visit: Visit, { app, owner }: AppPageProps): JSX.Element {
  return (
    <Card title="Identity">
      <Facts
        of={[
          ['App id', <Id of={app.id} />],
          ['Ownership', <ProofBadge proven={app.proven} />],
          ['Registered', <Time at={app.createdAt} />],
          ['Store', <a href={`/console/store/${app.id}`}>Packages and page of the item</a>],
        ]}
      />
      <div class="stack">
        <p>
          Paste this into <code>manifest.json</code>; it fixes the id of an unpacked extension:
        </p>
        <div class="wrapped">
          <Code text={`"key": "${app.key}",`} />
        </div>
      </div>
      {app.keyHeld && owner && (
        <More label="Download the private key">
          <p>
            Reveille made it and keeps it sealed. Chromium needs it to pack the extension (
            <code>key.pem</code>). Whoever has it can take this app on any server.
          </p>
          <Act visit={visit} action={`/console/apps/${app.id}/key`}>
            <AskPassword visit={visit} />
            <div>
              <Button kind="quiet">Download key.pem</Button>
            </div>
          </Act>
        </More>
      )}
    </Card>
  );
}

function membersCard({ app, members, owner }: AppPageProps): JSX.Element {
  return (
    <Card title="Who may send" lead={`The accounts of ${app.groupName}.`}>
      {owner && (
        <div>
          <Button href={`/console/groups/${app.group}`} kind="quiet" compact>
            Invite or remove accounts
          </Button>
        </div>
      )}
      <Table
        caption="Accounts that may send for the app"
        columns={['Account', 'Role']}
        rows={members.map(({ name, email, role }) => [
          <>
            {name}
            <small>{email}</small>
          </>,
          role === 'invited' ? 'invited, may not send yet' : role,
        ])}
      />
    </Card>
  );
}

function settingsCard(visit: Visit, { app, sent }: AppPageProps): JSX.Element {
  const settings = sent ?? app.settings;
  return (
    <Card title="Settings">
      <Act visit={visit} action={`/console/apps/${app.id}`}>
        <Field label="Title" name="title" value={sent?.title ?? app.title} required maxlength={80} />
        <Select
          label="When a user's browser asks for a channel"
          name="channelConsent"
          value={settings.channelConsent}
          hint={
            app.channelConsent !== app.settings.channelConsent
              ? 'This app always asks, because one of its redirects is a web page.'
              : undefined
          }
          options={[
            { value: 'none', label: 'Being signed in is enough, as in the original' },
            { value: 'ask', label: 'Ask the user first' },
          ]}
        />
        <Field
          label="Origins of a hosted app"
          name="origins"
          value={settings.origins.join('\n')}
          lines={3}
          hint="Pages that may connect as this app, one a line, such as https://app.example. The extension itself always may."
        />
        <Field
          label="More redirect URIs"
          name="redirectUris"
          value={settings.redirectUris.join('\n')}
          lines={3}
          hint={
            <>
              Beside <code class="id">{`https://${app.id}.chromiumapp.org/`}</code>. Firefox: what{' '}
              <code>browser.identity.getRedirectURL()</code> answers.
            </>
          }
        />
        <Field
          label="Names of subchannels"
          name="subchannels"
          value={sent?.subchannels ?? subchannelLines(app.subchannelNames)}
          lines={4}
          hint={
            <>
              For senders at <code>/v2/messages</code>, one a line after its number: <code>0&nbsp;news</code>.
              A project uses {limits.subchannels} subchannels, or as many as its limit allows.
            </>
          }
        />
        <div>
          <Button>Save settings</Button>
        </div>
      </Act>
    </Card>
  );
}

function endCard(visit: Visit, { app, others }: AppPageProps): JSX.Element {
  return (
    <Card title="Move or remove">
      <More label="Move the app to another group">
        {others.length === 0 ? (
          <p>
            You own no other publisher group. Make one, or ask an owner of the other group to make you an
            owner.
          </p>
        ) : (
          <Act visit={visit} action={`/console/apps/${app.id}/transfer`}>
            <Select
              label="Publisher group"
              name="group"
              options={others.map(({ group, name }) => ({ value: group, label: name }))}
            />
            <Check name="sure" required>
              Members of {app.groupName} may not send any more
            </Check>
            <div>
              <Button kind="danger">Move app</Button>
            </div>
          </Act>
        )}
      </More>
      <More label="Remove the app">
        <p>Nobody may send for it any more, and the channels of its users end.</p>
        <Act visit={visit} action={`/console/apps/${app.id}/remove`}>
          <Check name="sure" required>
            Remove {app.title} for good
          </Check>
          <div>
            <Button kind="danger">Remove app</Button>
          </div>
        </Act>
      </More>
    </Card>
  );
}
