import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openControlDatabase } from './accounts/open-database.ts';
import type { Config } from './config/config.ts';
import { openPushKey } from './config/push-key.ts';
import { openSecrets } from './config/secrets.ts';
import type { World } from './foundation.ts';
import type { Closing, Keeping } from './keeping.ts';
import { writeOperatorToken } from './observing.ts';
import { lockFolder } from './stores/sqlite/folder-lock.ts';
import { openSqliteStore } from './stores/sqlite/store.ts';

/**
 * Opens the data folder.
 * @throws Error with a text for the operator: folder in use, later schema, other keys.
 */
export async function openDataFolder(
  { dataFolder: folder, secrets: given, devicesPerChannel }: Config,
  world: World,
  closing: Closing,
): Promise<Keeping> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  closing.push(() => lock.release());
  const secrets = await openSecrets({ folder, given });
  const control = await openControlDatabase(join(folder, 'control.db'));
  closing.push(() => control.close());
  const store = await openSqliteStore({ folder, ...world, devicesPerChannel });
  closing.push(() => store.close());
  const pushKey = await openPushKey(folder, secrets);
  return { secrets, db: control.db, store, pushKey, operatorToken: writeOperatorToken(folder) };
}
