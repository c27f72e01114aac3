import type { AppId } from '../../protocol/app-id.ts';
import { audit } from '../accounts/audit.ts';
import type { ControlDatabase } from '../accounts/database.ts';
import type { Accounts } from '../accounts/face.ts';
import type { Secrets } from '../config/secrets.ts';
import type { Clock, Random } from '../core/clock.ts';
import { Apps, type AppsDeps } from './apps.ts';
import { Groups } from './groups.ts';
import { ItemFiles } from './item-files.ts';
import { Items } from './items.ts';
import { Listings } from './listings.ts';
import { Proofs } from './proof.ts';
import { updateRoutes } from './update-routes.ts';

export interface WebstoreDeps {
  /** Of this server: packages name it as the place where they are updated from. */
  readonly origin: string;
  /** The data folder; packages are kept in it. */
  readonly folder: string;
  readonly db: ControlDatabase;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly accounts: Pick<Accounts, 'onDelete' | 'onExport'>;
  /** Called in the same step in which someone's right to an app ends or changes (OA1): `Senders.rightsEnded`. */
  readonly rightsEnded: () => void;
  /** Called when an app is removed: its channels end (`Receiving.endApp`). */
  readonly appRemoved: (app: AppId) => Promise<void>;
  /** Makes the pair of an app that comes without one. */
  readonly makeKeyPair?: AppsDeps['makeKeyPair'] | undefined;
}

export interface WebstoreRoom {
  readonly groups: Groups;
  /** Fills the port `AppOwners`. */
  readonly apps: Apps;
  readonly items: Items;
  readonly listings: Listings;
  /** The update service and the packages. */
  readonly routes: ReturnType<typeof updateRoutes>;
}

/** Opens the room, and hears of accounts that go. */
export function openWebstore(deps: WebstoreDeps): WebstoreRoom {
  const shared = { ...deps, audit: audit(deps.db, deps.clock) };
  const groups = new Groups(shared);
  const apps = new Apps({
    ...shared,
    groups,
    proofs: new Proofs(deps.secrets, deps.clock),
    appRemoved: async (app) => {
      await items.removed(app);
      await deps.appRemoved(app);
    },
  });
  deps.accounts.onDelete((account) => apps.accountRemoved(account));
  deps.accounts.onExport('publisherGroups', (account) => groups.ofAccount(account));
  deps.accounts.onExport('apps', (account) => apps.list(account));
  const files = new ItemFiles(deps.folder);
  const items: Items = new Items({ ...shared, apps, files });
  const listings = new Listings({ ...shared, apps, items, files });
  deps.accounts.onDelete((account) => listings.accountRemoved(account));
  return { groups, apps, items, listings, routes: updateRoutes({ ...deps, items, listings }) };
}
