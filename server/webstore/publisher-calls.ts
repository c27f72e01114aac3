import { Hono } from 'hono';
import { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';
import type { PageEnv } from '../accounts/page-guard.ts';
import type { App, Apps } from './apps.ts';
import type { Items, StoredPackage } from './items.ts';
import { assertWholeRollout, itemIn, type PublishDoor, type StoreCall } from './publish-door.ts';

export interface PublisherCallsDeps {
  readonly door: PublishDoor;
  readonly items: Pick<Items, 'upload' | 'publish' | 'list'>;
  readonly apps: Pick<Apps, 'open'>;
}

const publishShape = z.object({
  publishType: z.enum(['PUBLISH_TYPE_UNSPECIFIED', 'DEFAULT_PUBLISH', 'STAGED_PUBLISH']).optional(),
  deployInfos: z.array(z.object({ deployPercentage: z.number() })).optional(),
});
const percentageShape = z.object({ deployPercentage: z.number() });

/**
 * The Publish API as it is today, version 2 (reference 4.4): items under their publisher, which is the publisher group.
 * A package that is not accepted is an error here.
 */
export function publisherCalls({ door, items, apps }: PublisherCallsDeps): Hono<PageEnv> {
  const routes = new Hono<PageEnv>();
  const open = async (call: StoreCall): Promise<App> => {
    const app = await apps.open(call.account, itemIn(call));
    if (app.group === call.c.req.param('publisher')) return app;
    throw new ReveilleError('not-found', `The item is of the publisher ${app.group} (${app.groupName}).`);
  };
  const call = (verb: string) => `/v2/publishers/:publisher/items/:id{[^/]+:${verb}}`;
  routes.all(
    `/upload${call('upload')}`,
    door.call('POST', async (asked) => {
      const app = await open(asked);
      const { version } = await items.upload(asked.account, app.id, await door.package(asked));
      return { ...named(app), crxVersion: version, uploadState: 'SUCCEEDED' };
    }),
  );
  routes.all(
    call('publish'),
    door.call('POST', async (asked) => {
      const app = await open(asked);
      const { publishType, deployInfos = [] } = await door.json(asked, publishShape);
      for (const { deployPercentage } of deployInfos) assertWholeRollout(deployPercentage);
      // Staged is a draft that waits for its publisher: nobody reviews it here.
      if (publishType === 'STAGED_PUBLISH') {
        const [newest] = await items.list(asked.account, app.id);
        if (newest === undefined || newest.offered === 1) throw new ReveilleError('draft-missing');
        return { ...named(app), state: 'STAGED' };
      }
      await items.publish(asked.account, app.id);
      return { ...named(app), state: 'PUBLISHED' };
    }),
  );
  routes.all(
    call('setPublishedDeployPercentage'),
    door.call('POST', async (asked) => {
      await open(asked);
      assertWholeRollout((await door.json(asked, percentageShape)).deployPercentage);
      return {};
    }),
  );
  routes.all(
    call('fetchStatus'),
    door.call('GET', async (asked) => {
      const app = await open(asked);
      return statusOf(app, await items.list(asked.account, app.id));
    }),
  );
  return routes;
}

const named = ({ id, group }: App) => ({ name: `publishers/${group}/items/${id}`, itemId: id });

function statusOf(app: App, packages: readonly StoredPackage[]): object {
  const published = packages.find(({ offered }) => offered === 1);
  const draft = packages.find(({ published_at }) => published_at === null);
  const testing = packages.find(({ offered }) => offered === 2);
  const submitted = draft ?? testing;
  const revision = ({ version }: StoredPackage, state: string) => ({
    state,
    distributionChannels: [{ deployPercentage: 100, crxVersion: version }],
  });
  return {
    ...named(app),
    publicKey: app.key,
    ...(published && { publishedItemRevisionStatus: revision(published, 'PUBLISHED') }),
    ...(submitted && {
      submittedItemRevisionStatus: revision(
        submitted,
        draft === undefined ? 'PUBLISHED_TO_TESTERS' : 'STAGED',
      ),
    }),
    lastAsyncUploadState: packages.length === 0 ? 'NOT_FOUND' : 'SUCCEEDED',
    takenDown: false,
    warned: false,
  };
}
