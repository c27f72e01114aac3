import type { JSX } from 'hono/jsx/jsx-runtime';
import { Card, Code, Facts, Notice, Time } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { Face, Page, type Viewer } from '../pages/page.tsx';
import { UPDATE_PATH } from '../webstore/items.ts';
import type { Listing, Screenshot } from '../webstore/listings.ts';
import { Id, Look, More } from './frame.tsx';
import { installWays, sourcesPolicy } from './install-ways.ts';

export interface ListingPageProps {
  readonly origin: string;
  readonly viewer: Viewer | undefined;
  readonly listing: Listing;
}

/** The page of an item for everybody: what it is, how it looks, how it comes into a browser. */
export function listingPage({ origin, viewer, listing }: ListingPageProps): JSX.Element {
  const { app, offer, details, screenshots, testerKey } = listing;
  const testing = offer.offered === 2;
  return (
    <Page title={offer.name} account={viewer} head={<Look />}>
      <div class="item-head">
        <Icon id={app.id} file={offer.icon} name={offer.name} />
        <div>
          <h1>{offer.name}</h1>
          <p class="soft">{offer.description === '' ? `By ${app.groupName}` : offer.description}</p>
        </div>
      </div>
      <div class="stack-wide">
        {testing && (
          <Notice kind="info">
            You are a tester of this item: version {offer.version} is not for everybody yet.
          </Notice>
        )}
        <Screenshots id={app.id} of={screenshots} name={offer.name} />
        {details !== '' && (
          <Card title="About">
            <p class="plain">{details}</p>
          </Card>
        )}
        <InstallCard origin={origin} listing={listing} testerKey={testing ? testerKey : undefined} />
        <Card title="Details">
          <Facts
            of={[
              ['Version', offer.version],
              ['Published', <Time at={offer.published_at ?? offer.uploaded_at} />],
              ['Size', sizeOf(offer.bytes)],
              ['Publisher', app.groupName],
              ['Item id', <Id of={app.id} />],
            ]}
          />
          <More label="Test it from a folder">
            <p>
              This key gives an unpacked copy the id of this item, so that it receives the same messages. Put
              it into the manifest.json of the copy, then choose “Load unpacked” in{' '}
              <code>chrome://extensions</code>.
            </p>
            <div class="wrapped">
              <Code text={`"key": "${app.key}",`} />
            </div>
          </More>
        </Card>
      </div>
    </Page>
  );
}

/** Icon of an item, or the first letter of its name. */
export const Icon = ({ id, file, name }: { id: string; file: string | null; name: string }): JSX.Element =>
  file === null ? (
    <span class="item-icon">
      <Face name={name} />
    </span>
  ) : (
    <img class="item-icon" src={pictureAddress(id, file)} alt="" width="64" height="64" />
  );

export const pictureAddress = (id: string, file: string): string => `/detail/${id}/pictures/${file}`;

const Screenshots = ({
  id,
  of: all,
  name,
}: {
  id: string;
  of: readonly Screenshot[];
  name: string;
}): JSX.Element | null =>
  all.length === 0 ? null : (
    <section class="shots" aria-label="Screenshots" tabindex={0}>
      {all.map(({ file, width, height }, index) => (
        <img
          src={pictureAddress(id, file)}
          alt={`Screenshot ${index + 1} of ${name}`}
          width={width}
          height={height}
        />
      ))}
    </section>
  );

const InstallCard = ({
  origin,
  listing: { app, offer },
  testerKey,
}: {
  origin: string;
  listing: Listing;
  testerKey: string | undefined;
}): JSX.Element => {
  const key = testerKey === undefined ? '' : `?testers=${testerKey}`;
  return (
    <Card
      title="Install"
      lead={
        <>
          Chromium installs it from this server and keeps it up to date. Choose one way;{' '}
          <a href="/docs/store">Installing from the store</a> tells more of each.
        </>
      }
    >
      {testerKey !== undefined && (
        <Notice kind="warning">
          These addresses hold your own key as a tester. Whoever has them can install what you test. Newer
          test versions come by policy only; what came by file or link is updated with what everybody gets.
        </Notice>
      )}
      {installWays({ id: app.id, updateUrl: `${origin}${UPDATE_PATH}${key}` }).map(
        ({ title, where, text }) => (
          <More label={title}>
            <p class="soft breaks">{where}</p>
            <Code text={text} />
          </More>
        ),
      )}
      <More label="By link">
        <p>
          The link installs where a policy names this server as a source of extensions; elsewhere the browser
          blocks it as a dangerous download, and one of the other ways is needed.
        </p>
        <div>
          <Button href={`${UPDATE_PATH}/${app.id}/${offer.version}.crx${key}`} kind="quiet">
            Install {offer.name}
          </Button>
        </div>
        <p class="soft breaks">/etc/chromium/policies/managed/sources.json</p>
        <Code text={sourcesPolicy(origin)} />
      </More>
    </Card>
  );
};

/** A size as people read it. */
export function sizeOf(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
