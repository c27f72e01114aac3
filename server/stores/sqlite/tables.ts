import type { Database } from 'bun:sqlite';
import { ChannelTable } from './channel-table.ts';
import { DeviceTable } from './device-table.ts';
import { EndingTable } from './ending-table.ts';
import { MessageTable } from './message-table.ts';
import { MetaTable } from './meta-table.ts';
import { MulticastTable } from './multicast-table.ts';
import { QuotaTable } from './quota-table.ts';
import { SeenTable } from './seen-table.ts';
import { StepTable } from './step-table.ts';
import { SubscriptionTable } from './subscription-table.ts';

/** Every table of messages.db: each knows its own statements and what it remembers of its rows, and no rule. */
export interface Tables {
  readonly meta: MetaTable;
  readonly quota: QuotaTable;
  readonly channels: ChannelTable;
  readonly devices: DeviceTable;
  readonly messages: MessageTable;
  readonly endings: EndingTable;
  readonly subscriptions: SubscriptionTable;
  readonly multicasts: MulticastTable;
  readonly steps: StepTable;
  readonly seen: SeenTable;
}

/** The tables on one connection. */
export function openTables(db: Database): Tables {
  const meta = new MetaTable(db);
  return {
    meta,
    quota: new QuotaTable(db),
    channels: new ChannelTable(db),
    devices: new DeviceTable(db),
    messages: new MessageTable(db),
    endings: new EndingTable(db, meta),
    subscriptions: new SubscriptionTable(db),
    multicasts: new MulticastTable(db),
    steps: new StepTable(db),
    seen: new SeenTable(db),
  };
}
