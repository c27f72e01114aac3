import type { Account } from '../accounts/account.ts';
import type { Viewer } from '../pages/page.tsx';

/** One request of someone who is signed in. */
export interface Visit {
  readonly account: Account;
  readonly viewer: Viewer;
  readonly path: string;
  /** What a form before this page has done, a key of `doneSentences`. */
  readonly done: string | undefined;
  /** The token of the form that is sent to `action`. */
  token(action: string): string;
}
