import type { JSX } from 'hono/jsx/jsx-runtime';
import { Badge, Card, Code, EmptyState, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Check, Field, Select } from '../pages/form.tsx';
import type { App } from '../webstore/apps.ts';
import type { Membership } from '../webstore/groups.ts';
import { audienceOf, type StoredPackage } from '../webstore/items.ts';
import type { Described, Tester } from '../webstore/listings.ts';
import { OWN_GROUP } from './apps.tsx';
import { Act, ConsolePage, Id, More } from './frame.tsx';
import { Icon, pictureAddress, sizeOf } from './listing-page.tsx';
import { UploadForm } from './upload.tsx';
import type { Visit } from './visit.ts';

/** An item with its packages, the newest first. */
export interface StoreItem {
  readonly app: App;
  readonly packages: readonly StoredPackage[];
}

const STORE = '/console/store';

/** The items of the account's publisher groups, and the way to a new one. */
export function storePage(
  visit: Visit,
  items: readonly StoreItem[],
  groups: readonly Membership[],
  fault?: string,
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Store"
      lead="Extensions that browsers install from this server, and that update themselves."
      fault={fault}
    >
      {items.length === 0 ? (
        <EmptyState title="Nothing here yet">
          Pack the folder of your extension as a zip archive, with manifest.json at its top, and upload it
          below. Apps that you register in the console appear here too.
        </EmptyState>
      ) : (
        <Table
          caption="Your items"
          columns={['Item', 'Published', 'Draft', 'Publisher group']}
          rows={items.map(({ app, packages }) => [
            <>
              <a href={`${STORE}/${app.id}`}>{packages[0]?.name ?? app.title}</a>
              <small>
                <Id of={app.id} />
              </small>
            </>,
            packages.find(({ offered }) => offered === 1)?.version ?? <span class="soft">no</span>,
            draftOf(packages)?.version ?? <span class="soft">none</span>,
            app.groupName,
          ])}
        />
      )}
      <Card
        title="A new item"
        lead="It gets an id of its own, or that of the key.pem at the top of the package."
      >
        <UploadForm visit={visit} action={STORE}>
          <PackageField />
          <GroupField groups={groups} />
          <div>
            <Button>Upload</Button>
          </div>
        </UploadForm>
      </Card>
    </ConsolePage>
  );
}

const draftOf = (packages: readonly StoredPackage[]): StoredPackage | undefined =>
  packages.find(({ published_at }) => published_at === null);

const PackageField = (): JSX.Element => (
  <Field
    label="Package"
    name="file"
    type="file"
    hint="A zip archive of the extension's folder, or a .crx file; at most 16 MiB. It is checked at once."
    required
  />
);

const GroupField = ({ groups }: { groups: readonly Membership[] }): JSX.Element | null => {
  const owned = groups.filter(({ role }) => role === 'owner');
  if (owned.length === 0) return null;
  const options = owned.map(({ group, name }) => ({ value: group, label: name }));
  return (
    <Select
      label="Publisher group"
      name="group"
      options={[...options, { value: OWN_GROUP, label: 'A group of its own' }]}
    />
  );
};

export interface ItemPageProps extends StoreItem, Described {
  readonly testers: readonly Tester[];
  readonly fault?: string | undefined;
  /** What was sent as its description, when it was refused. */
  readonly details: string;
}

/** One item for its publishers: packages, what its page says, testers, key. */
export function itemPage(visit: Visit, props: ItemPageProps): JSX.Element {
  const { app, packages, fault } = props;
  const [newest] = packages;
  const published = packages.some(({ offered }) => offered !== 0);
  return (
    <ConsolePage
      visit={visit}
      title={newest?.name ?? app.title}
      lead={`Of the publisher group ${app.groupName}.`}
      trail={[[STORE, 'Store']]}
      fault={fault}
      action={
        published ? (
          <Button href={`/detail/${app.id}`} kind="quiet">
            Page of the item
          </Button>
        ) : undefined
      }
    >
      {!app.keyHeld && (
        <Notice kind="warning">
          The server does not hold the private key of this item, so it cannot sign a package. Put key.pem at
          the top of the first package: it is taken out, sealed, and never given to anyone.
        </Notice>
      )}
      {packagesCard(visit, props)}
      {pageCard(visit, props)}
      {testersCard(visit, props)}
      {keyCard(app)}
    </ConsolePage>
  );
}

function packagesCard(visit: Visit, { app, packages }: ItemPageProps): JSX.Element {
  const home = `${STORE}/${app.id}`;
  const [newest] = packages;
  return (
    <Card title="Packages">
      {newest === undefined ? (
        <p>
          Nothing was uploaded yet. A package becomes a draft first; nobody gets it before you publish it.
        </p>
      ) : (
        <Table
          caption="Packages of the item"
          columns={['Version', 'State', 'Uploaded', { label: 'Size', align: 'number' }]}
          rows={packages.map((one) => [
            <strong>{one.version}</strong>,
            <State of={one} />,
            <Time at={one.uploaded_at} />,
            sizeOf(one.bytes),
          ])}
        />
      )}
      {newest !== undefined && newest.offered !== 1 && (
        <div class="row">
          <Act visit={visit} action={`${home}/publish`} hidden={{ audience: 'everyone' }} inline>
            <Button>Publish {newest.version} to everybody</Button>
          </Act>
          {newest.offered !== 2 && (
            <Act visit={visit} action={`${home}/publish`} hidden={{ audience: 'testers' }} inline>
              <Button kind="quiet">Publish {newest.version} to testers</Button>
            </Act>
          )}
        </div>
      )}
      <h3>Upload {newest === undefined ? 'a package' : 'a newer version'}</h3>
      <UploadForm visit={visit} action={`${home}/packages`}>
        <PackageField />
        <div>
          <Button kind={newest === undefined ? 'main' : 'quiet'}>Upload</Button>
        </div>
      </UploadForm>
      {packages.some(({ offered }) => offered !== 0) && (
        <More label="Unpublish">
          <p>Nobody can install it any more. Browsers that have it keep it, and get no newer version.</p>
          <Act visit={visit} action={`${home}/unpublish`}>
            <Check name="sure" required>
              Take the item out of the store
            </Check>
            <div>
              <Button kind="danger">Unpublish</Button>
            </div>
          </Act>
        </More>
      )}
    </Card>
  );
}

const State = ({ of: one }: { of: StoredPackage }): JSX.Element => {
  const audience = audienceOf(one);
  if (audience === 'everyone') return <Badge kind="success">published</Badge>;
  if (audience === 'testers') return <Badge kind="info">with testers</Badge>;
  return one.published_at === null ? <Badge>draft</Badge> : <span class="soft">was published</span>;
};

function pageCard(visit: Visit, { app, packages, details, screenshots }: ItemPageProps): JSX.Element {
  const home = `${STORE}/${app.id}`;
  const [newest] = packages;
  return (
    <Card
      title="Its page"
      lead="Name, short description and icon are those of the manifest; the rest is said here."
    >
      {newest !== undefined && (
        <div class="row">
          <Icon id={app.id} file={newest.icon} name={newest.name} />
          {newest.icon === null && (
            <p class="soft">No icon: name a PNG of 128 pixels under “icons” in manifest.json.</p>
          )}
        </div>
      )}
      <Act visit={visit} action={`${home}/details`}>
        <Field
          label="Description"
          name="details"
          value={details}
          lines={6}
          maxlength={16_000}
          hint="Plain text; line breaks stay."
        />
        <div>
          <Button kind="quiet">Save description</Button>
        </div>
      </Act>
      <h3>Screenshots</h3>
      <ul class="thumbs">
        {screenshots.map(({ file, width, height }, index) => (
          <li>
            <img
              src={pictureAddress(app.id, file)}
              alt={`Screenshot ${index + 1}`}
              width={width}
              height={height}
            />
            <Act visit={visit} action={`${home}/screenshots/remove`} hidden={{ file }} inline>
              <Button kind="quiet" compact label={`Remove screenshot ${index + 1}`}>
                Remove
              </Button>
            </Act>
          </li>
        ))}
      </ul>
      <UploadForm visit={visit} action={`${home}/screenshots`}>
        <Field
          label="Add a screenshot"
          name="file"
          id="field-screenshot"
          type="file"
          hint="PNG, JPEG or WebP, at most 5 MiB; five at most."
          required
        />
        <div>
          <Button kind="quiet">Add screenshot</Button>
        </div>
      </UploadForm>
    </Card>
  );
}

function testersCard(visit: Visit, { app, testers }: ItemPageProps): JSX.Element {
  const home = `${STORE}/${app.id}/testers`;
  return (
    <Card
      title="Testers"
      lead="Accounts that get a version before everybody does, by an address of their own."
    >
      {testers.length > 0 && (
        <Table
          caption="Testers of the item"
          columns={['Account', { label: 'Actions', align: 'end', unseen: true }]}
          rows={testers.map(({ account, email, name }) => [
            <>
              {name}
              <small>{email}</small>
            </>,
            <Act visit={visit} action={`${home}/remove`} hidden={{ account }} inline>
              <Button kind="quiet" compact label={`Remove ${email}`}>
                Remove
              </Button>
            </Act>,
          ])}
        />
      )}
      <Act visit={visit} action={home}>
        <Field
          label="E-mail address"
          name="email"
          type="email"
          hint="Of an account on this server. Its address is on the page of the item, once a version is with testers."
          required
        />
        <div>
          <Button kind="quiet">Add tester</Button>
        </div>
      </Act>
    </Card>
  );
}

function keyCard(app: App): JSX.Element {
  return (
    <Card
      title="Test in the cloud"
      lead="An unpacked copy with this key has the id of the item, and receives what is sent to it."
    >
      <Facts
        of={[
          ['Item id', <Id of={app.id} />],
          ['App', <a href={`/console/apps/${app.id}`}>{app.title}</a>],
        ]}
      />
      <div class="wrapped">
        <Code text={`"key": "${app.key}",`} />
      </div>
      <p class="soft">
        Put it into the manifest.json of your copy and choose “Load unpacked” in{' '}
        <code>chrome://extensions</code>. It may stay there: it is left out of the package when you upload.
      </p>
    </Card>
  );
}
