import type { JSX } from 'hono/jsx/jsx-runtime';
import { Badge, Card, Code, EmptyState, Notice, Table } from '../pages/content.tsx';
import { Button, Field, Select } from '../pages/form.tsx';
import type { App } from '../webstore/apps.ts';
import type { Membership } from '../webstore/groups.ts';
import { Act, ConsolePage, Id, More } from './frame.tsx';
import { UploadForm } from './upload.tsx';
import type { Visit } from './visit.ts';

export const ProofBadge = ({ proven }: { proven: boolean }): JSX.Element =>
  proven ? <Badge kind="success">proven</Badge> : <Badge kind="warning">unproven</Badge>;

/** The apps of an account's groups, and the groups. */
export function appsPage(
  visit: Visit,
  apps: readonly App[],
  groups: readonly Membership[],
  fault?: string,
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Apps"
      lead="Extensions and apps that receive. An app belongs to a publisher group; the accounts of the group may send to its users."
      fault={fault}
      action={apps.length > 0 ? <Button href="/console/apps/new">Register an app</Button> : undefined}
    >
      <Invitations visit={visit} groups={groups} />
      {apps.length === 0 ? (
        <EmptyState title="No app yet" action={<Button href="/console/apps/new">Register an app</Button>}>
          Register the extension that shall receive messages. Reveille can make its key, or you bring the one
          it has. You can send to it at once; nothing has to be published first.
        </EmptyState>
      ) : (
        <Table
          caption="Your apps"
          columns={['App', 'Publisher group', 'Ownership']}
          rows={apps.map((app) => [
            <>
              <a href={`/console/apps/${app.id}`}>{app.title}</a>
              <small>
                <Id of={app.id} />
              </small>
            </>,
            <a href={`/console/groups/${app.group}`}>{app.groupName}</a>,
            <ProofBadge proven={app.proven} />,
          ])}
        />
      )}
      {groupsCard(visit, groups)}
    </ConsolePage>
  );
}

function groupsCard(visit: Visit, groups: readonly Membership[]): JSX.Element {
  const mine = groups.filter(({ role }) => role !== 'invited');
  return (
    <Card
      title="Publisher groups"
      lead="Share an app with colleagues: everyone in its group may send for it."
    >
      <More label="Make a group">
        <Act visit={visit} action="/console/groups">
          <Field label="Name" name="name" hint="Your company or team." required maxlength={80} />
          <div>
            <Button>Make group</Button>
          </div>
        </Act>
      </More>
      {mine.length > 0 && (
        <Table
          caption="Your publisher groups"
          columns={['Group', 'Your role']}
          rows={mine.map(({ group, name, role }) => [<a href={`/console/groups/${group}`}>{name}</a>, role])}
        />
      )}
    </Card>
  );
}

/** Groups that wait for the yes or no of the account. */
export const Invitations = ({
  visit,
  groups,
}: {
  visit: Visit;
  groups: readonly Membership[];
}): JSX.Element => (
  <>
    {groups
      .filter(({ role }) => role === 'invited')
      .map(({ group, name }) => (
        <Notice kind="info">
          <div class="row apart">
            <p>
              You are invited to the publisher group <strong>{name}</strong>. Its unproven apps may then send
              to you.
            </p>
            <Act visit={visit} action={`/console/groups/${group}/answer`} inline>
              <Button compact name="accept" value="yes" label={`Join ${name}`}>
                Join
              </Button>
              <Button compact kind="quiet" name="accept" value="" label={`Decline ${name}`}>
                Decline
              </Button>
            </Act>
          </div>
        </Notice>
      ))}
  </>
);

export interface AppForm {
  readonly title: string;
  readonly group: string;
  readonly key: string;
}

/** Value of the group field that asks for a group of one's own. */
export const OWN_GROUP = 'own';

/** Title and group, which every way of registering asks for. */
const AppFields = ({
  form,
  groups,
  way,
}: {
  form: AppForm;
  groups: readonly Membership[];
  way: string;
}): JSX.Element => {
  const owned = groups
    .filter(({ role }) => role === 'owner')
    .map(({ group, name }) => ({ value: group, label: name }));
  return (
    <>
      <Field
        label="Title"
        name="title"
        id={`title-${way}`}
        value={form.title}
        hint="Users see it when they are asked."
        required
        maxlength={80}
      />
      {owned.length > 0 && (
        <Select
          label="Publisher group"
          name="group"
          id={`group-${way}`}
          value={form.group}
          options={[...owned, { value: OWN_GROUP, label: 'A group of its own' }]}
        />
      )}
    </>
  );
};

interface WayProps {
  readonly visit: Visit;
  readonly groups: readonly Membership[];
  readonly form: AppForm;
}

const MadeKeyCard = ({ visit, groups, form }: WayProps): JSX.Element => (
  <Card
    title="A new extension: let Reveille make the key"
    lead="The shortest way. You get a key for manifest.json, and the app is proven at once."
  >
    <Act visit={visit} action="/console/apps" hidden={{ source: 'made' }}>
      <AppFields form={form} groups={groups} way="made" />
      <div>
        <Button>Register with a fresh key</Button>
      </div>
    </Act>
  </Card>
);

const PublicKeyCard = ({ visit, groups, form }: WayProps): JSX.Element => (
  <Card
    title="An extension that exists: bring its public key"
    lead="It keeps its id. You prove afterwards that you hold the private key."
  >
    <Act visit={visit} action="/console/apps" hidden={{ source: 'public-key' }}>
      <AppFields form={form} groups={groups} way="public-key" />
      <Field
        label="Public key"
        name="key"
        value={form.key}
        lines={5}
        hint={
          <>
            The value of <code>key</code> in the manifest.json of an installed copy, or a PEM public key.
          </>
        }
        required
      />
      <div>
        <Button kind="quiet">Register with this key</Button>
      </div>
    </Act>
  </Card>
);

const KeyFileCard = ({ visit, groups, form }: WayProps): JSX.Element => (
  <Card
    title="An extension that exists: bring key.pem"
    lead="Registered and proven in one step. The file is read, compared and forgotten."
  >
    <Act visit={visit} action="/console/apps" hidden={{ source: 'key-file' }} files>
      <AppFields form={form} groups={groups} way="key-file" />
      <Field
        label="Key file"
        name="file"
        type="file"
        hint="key.pem, as Chromium made it when you first packed the extension."
        required
      />
      <div>
        <Button kind="quiet">Register with this file</Button>
      </div>
    </Act>
  </Card>
);

/** The form that registers an app, in three ways. */
export function appFormPage(
  visit: Visit,
  groups: readonly Membership[],
  form: AppForm,
  fault?: string,
): JSX.Element {
  const way = { visit, groups, form };
  return (
    <ConsolePage
      visit={visit}
      title="Register an app"
      lead="The id of an extension is made from its key. So the first question is where the key comes from."
      trail={[['/console/apps', 'Apps']]}
      fault={fault}
    >
      <MadeKeyCard {...way} />
      <PublicKeyCard {...way} />
      <KeyFileCard {...way} />
    </ConsolePage>
  );
}

export interface ProofProps {
  readonly visit: Visit;
  /** Where the proof is sent. */
  readonly action: string;
  readonly challenge: string;
  readonly hidden?: Readonly<Record<string, string>> | undefined;
}

/** The three ways to show that one holds the private key. */
export const ProofForms = ({ visit, action, challenge, hidden = {} }: ProofProps): JSX.Element => (
  <>
    <h3>Sign the challenge</h3>
    <p class="soft">
      The private key stays with you. Run this beside key.pem and paste what it prints. The challenge holds
      for a day.
    </p>
    <Code text={signCommand(challenge)} />
    <Act visit={visit} action={action} hidden={{ ...hidden, kind: 'signature', challenge }}>
      <Field label="Signature" name="signature" lines={5} required />
      <div>
        <Button>Check signature</Button>
      </div>
    </Act>
    <More label="Upload key.pem instead">
      <p class="soft">The file is read, compared and forgotten.</p>
      <Act visit={visit} action={action} hidden={{ ...hidden, kind: 'key-file' }} files>
        <Field label="Key file" name="file" id="proof-key-file" type="file" required />
        <div>
          <Button kind="quiet">Upload key file</Button>
        </div>
      </Act>
    </More>
    <More label="Upload a package that you signed instead">
      <p class="soft">
        Anyone can download a published package, so it has to hold an empty file with the name of the
        challenge. Add it, pack the extension with your key, and upload the .crx. Remove the file afterwards.
      </p>
      <div class="wrapped">
        <Code
          text={`touch my-extension/${challenge}\nchromium --pack-extension=my-extension --pack-extension-key=key.pem`}
        />
      </div>
      <UploadForm visit={visit} action={action} hidden={{ ...hidden, kind: 'package' }}>
        <Field label="Package" name="file" id="proof-package" type="file" hint="At most 16 MiB." required />
        <div>
          <Button kind="quiet">Upload package</Button>
        </div>
      </UploadForm>
    </More>
  </>
);

/** One pipe over three lines: it can be pasted as it stands. */
export const signCommand = (challenge: string): string =>
  [`printf %s ${challenge} |`, '  openssl dgst -sha256 -sign key.pem |', '  openssl base64'].join('\n');

/** An app that another group claims without proof: whoever proves the key gets it. */
export function claimPage(visit: Visit, id: string, proof: ProofProps, fault?: string): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="This app is claimed already"
      lead="Another publisher group has registered its public key and has not proven that it holds the private one. Prove that you do, and the app is yours."
      trail={[
        ['/console/apps', 'Apps'],
        ['/console/apps/new', 'Register an app'],
      ]}
      fault={fault}
    >
      <Card title={id} lead="Both groups will find the change in their history.">
        <ProofForms {...proof} />
      </Card>
    </ConsolePage>
  );
}
