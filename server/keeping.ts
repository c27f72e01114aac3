import type { ControlDatabase } from './accounts/database.ts';
import type { PushKey } from './config/push-key.ts';
import type { Secrets } from './config/secrets.ts';
import type { Store } from './core/store.ts';

/** What outlives a process, opened. */
export interface Keeping {
  readonly secrets: Secrets;
  readonly db: ControlDatabase;
  readonly store: Store;
  readonly pushKey: PushKey;
  /** The key of the operator, new at each start: who can read the data folder may set passwords and read the figures. */
  readonly operatorToken: string;
}

/** What is open so far, last opened first closed. */
export type Closing = (() => unknown)[];
