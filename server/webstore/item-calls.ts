import { Hono } from 'hono';
import { z } from 'zod';
import type { AppId } from '../../protocol/app-id.ts';
import { asReveilleError, type ErrorCode, ReveilleError } from '../../protocol/errors.ts';
import type { PageEnv } from '../accounts/page-guard.ts';
import type { Apps } from './apps.ts';
import type { Groups } from './groups.ts';
import type { Audience, Items } from './items.ts';
import { assertWholeRollout, itemIn, type PublishDoor, type StoreCall } from './publish-door.ts';

export interface ItemCallsDeps {
  readonly door: PublishDoor;
  readonly items: Pick<Items, 'upload' | 'insert' | 'publish' | 'list'>;
  readonly apps: Pick<Apps, 'open'>;
  readonly groups: Pick<Groups, 'ofAccount'>;
}

const KIND = { kind: 'chromewebstore#item' } as const;
const ITEMS = '/chromewebstore/v1.1/items';

const publishShape = z.object({ target: z.string().optional() });

/** The Publish API of 2014, version 1.1 (reference 4.4): upload, look, publish. */
export function itemCalls({ door, items, apps, groups }: ItemCallsDeps): Hono<PageEnv> {
  const routes = new Hono<PageEnv>();
  routes.all(
    `/upload${ITEMS}`,
    door.call('POST', async (call) => {
      const group = groupOf(await groups.ofAccount(call.account), call.c.req.query('publisherEmail'));
      const bytes = await door.package(call);
      return await uploaded('null', async () => {
        const { app } = await items.insert(call.account, group, bytes);
        return { id: app, publicKey: (await apps.open(call.account, app as AppId)).key };
      });
    }),
  );
  routes.all(
    `/upload${ITEMS}/:id`,
    door.call('PUT', async (call) => {
      // Before the body: a stranger has nothing to send.
      const { id, key } = await apps.open(call.account, itemIn(call));
      const bytes = await door.package(call);
      return await uploaded(id, async () => {
        await items.upload(call.account, id, bytes);
        return { id, publicKey: key };
      });
    }),
  );
  routes.all(
    `${ITEMS}/:id`,
    door.call('GET', async (call) => {
      const { id, key } = await apps.open(call.account, itemIn(call));
      const all = await items.list(call.account, id);
      const wanted = projectionOf(call) === 'PUBLISHED' ? all.find(({ offered }) => offered === 1) : all[0];
      return {
        ...KIND,
        id,
        publicKey: key,
        uploadState: wanted === undefined ? 'NOT_FOUND' : 'SUCCESS',
        ...(wanted === undefined ? {} : { crxVersion: wanted.version }),
      };
    }),
  );
  routes.all(
    `${ITEMS}/:id/publish`,
    door.call('POST', async (call) => {
      const { target } = await door.json(call, publishShape);
      const audience = audienceIn(call.c.req.query('publishTarget') ?? target ?? 'default');
      const percentage = call.c.req.query('deployPercentage');
      assertWholeRollout(percentage === undefined ? undefined : Number(percentage));
      const { app } = await items.publish(call.account, itemIn(call), audience);
      return { ...KIND, item_id: app, status: ['OK'], statusDetail: ['OK.'] };
    }),
  );
  return routes;
}

/** Words of the store for what is wrong with a package (reference 4.4); what it had no word for is one of ours. */
const packageFaults: Partial<Record<ErrorCode, string>> = {
  'manifest-invalid': 'PKG_MANIFEST_PARSE_ERROR',
  'version-too-low': 'PKG_INVALID_VERSION_NUMBER',
  'key-foreign': 'PKG_KEY_MISMATCH',
  'key-missing': 'PKG_KEY_MISSING',
  'package-invalid': 'PKG_INVALID',
  'input-invalid': 'PKG_INVALID',
};

/** A package that was not accepted is answered 200 and `FAILURE` in this generation; the id of none is "null". */
async function uploaded(id: string, take: () => Promise<{ id: string; publicKey: string }>): Promise<object> {
  try {
    return { ...KIND, ...(await take()), uploadState: 'SUCCESS' };
  } catch (thrown) {
    const error = asReveilleError(thrown);
    const code = packageFaults[error.code];
    if (code === undefined) throw thrown;
    return {
      ...KIND,
      id,
      uploadState: 'FAILURE',
      itemError: [{ error_code: code, error_detail: error.sentence }],
    };
  }
}

function projectionOf({ c }: StoreCall): string {
  const projection = c.req.query('projection') ?? 'DRAFT';
  if (projection === 'DRAFT' || projection === 'PUBLISHED') return projection;
  throw new ReveilleError('input-invalid', '"projection" is DRAFT or PUBLISHED.', { location: 'projection' });
}

function audienceIn(target: string): Audience {
  if (target === 'default') return 'everyone';
  if (target === 'trustedTesters') return 'testers';
  throw new ReveilleError('input-invalid', '"publishTarget" is default or trustedTesters.', {
    location: 'publishTarget',
  });
}

/**
 * The group that a first upload goes to: the only one that the account owns, or the one that `publisherEmail` names, as
 * group publishers were named by an address.
 */
function groupOf(memberships: Awaited<ReturnType<Groups['ofAccount']>>, named: string | undefined): string {
  const owned = memberships.filter(({ role }) => role === 'owner');
  const found =
    named === undefined ? owned : owned.filter(({ group, name }) => [group, name].includes(named));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only.group;
  const names = owned.map(({ name, group }) => `${name} (${group})`).join(', ');
  throw new ReveilleError(
    'input-invalid',
    owned.length === 0
      ? 'The account owns no publisher group: make one in the console under "Apps".'
      : `Name one of your publisher groups in "publisherEmail": ${names}.`,
    { location: 'publisherEmail' },
  );
}
