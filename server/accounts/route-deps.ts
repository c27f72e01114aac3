import type { Clock, Random } from '../core/clock.ts';
import type { Events } from '../observe/events.ts';
import type { Accounts } from './face.ts';
import type { FormSecrets } from './form-token.ts';

/** An app for whose sake somebody is asked to sign in. */
export interface AskingApp {
  readonly name: string;
  /** Path of its icon on this server. */
  readonly icon?: string | undefined;
}

/** What the doors of this room need. */
export interface RouteDeps {
  readonly accounts: Accounts;
  readonly secrets: FormSecrets;
  readonly origin: string;
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
  /** Where people go after they signed in, when they came from nowhere. */
  readonly home: string;
  /** Which app sent somebody here, by the path to which the sign-in leads back; undefined for anything else. */
  readonly askingApp?: (returnTo: string) => Promise<AskingApp | undefined>;
  /** Opens `POST /accounts/operator/reset-password`; without it that door is closed. */
  readonly operatorToken?: string | undefined;
}
