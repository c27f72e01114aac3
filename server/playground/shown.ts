import type { Viewer } from '../pages/page.tsx';
import type { Play } from './plays.ts';

/** The part of the page that is open, or that a fault belongs to. */
export type Step = 'configuration' | 'scopes' | 'tokens' | 'request';

export interface Shown {
  readonly origin: string;
  readonly play: Play;
  readonly viewer: Viewer | undefined;
  /** Of every form on the page. */
  readonly token: string;
  readonly now: number;
  readonly fault?: { readonly step: Step; readonly sentence: string } | undefined;
  /** The scopes and the request come from a link that someone else may have made. */
  readonly linked?: boolean | undefined;
}
