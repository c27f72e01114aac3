import type { Message } from '../../protocol/message.ts';
import type { Accounts } from '../accounts/face.ts';
import type { FormSecrets } from '../accounts/form-token.ts';
import type { Clock } from '../core/clock.ts';
import type { QuotaCalendar } from '../core/quota-day.ts';
import type { Receiving } from '../core/receiving.ts';
import type { Sender } from '../core/sender.ts';
import type { Kept, Store } from '../core/store.ts';
import type { OAuthRoom } from '../oauth/room.ts';
import type { Events } from '../observe/events.ts';
import type { Span, Traffic, TrafficOf } from '../traffic/ledger.ts';
import type { Apps } from '../webstore/apps.ts';
import type { Groups } from '../webstore/groups.ts';
import type { Items } from '../webstore/items.ts';
import type { Listings } from '../webstore/listings.ts';
import type { KnownOfDevices } from './known-of-devices.ts';

/** What the console stands on. It owns no rules: each of these checks who may do what. */
export interface ConsoleDeps
  extends KnownOfDevices,
    Pick<OAuthRoom, 'projects' | 'team' | 'clients' | 'grants'> {
  /** Of this server, such as `https://push.example`. */
  readonly origin: string;
  readonly accounts: Accounts;
  readonly secrets: FormSecrets;
  readonly clock: Clock;
  readonly events: Events;
  readonly groups: Groups;
  readonly apps: Apps;
  readonly items: Items;
  readonly listings: Listings;
  readonly receiving: Receiving;
  readonly store: Pick<
    Store,
    | 'trace'
    | 'traced'
    | 'acceptedOn'
    | 'findChannel'
    | 'findDevice'
    | 'devicesOf'
    | 'lastConfirmed'
    | 'findMulticast'
  >;
  /** `Acceptance.accept`: ownership, channel, quota, keep, announce. */
  readonly send: (sender: Sender, message: Message) => Promise<Kept>;
  /** `TrafficKeeping.read`: what was counted, up to now. */
  readonly traffic: (of: TrafficOf, span: Span) => Promise<Traffic>;
  readonly calendar: QuotaCalendar;
  /** What holds for a project that has no limit of its own; a quota of 0 = none. */
  readonly defaults: { readonly dailyQuota: number; readonly payloadBytes: number };
}
