import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import type { DeviceConnection } from '../core/connection.ts';
import type { Device } from '../core/store.ts';
import { Badge, Card, EmptyState, Table, Time } from '../pages/content.tsx';
import { Button, Check } from '../pages/form.tsx';
import { Act, ConsolePage } from './frame.tsx';
import type { Visit } from './visit.ts';

/** Where the list of all devices of an account stands. */
export const DEVICES = '/console/receiving/devices';

/** A device of the account in the list of all of them. */
export interface ListedDevice {
  readonly device: Device;
  readonly app: { readonly id: string; readonly title: string };
  readonly connection: DeviceConnection;
}

/** A part of the devices, the last seen first. */
export interface DevicesView {
  /** At most limits.devicesShown. */
  readonly devices: readonly ListedDevice[];
  /** Of all devices of the account, shown or not. */
  readonly count: number;
  /** From 1. */
  readonly page: number;
}

/** All devices of the account, over all apps: what each is, when it was last seen, and its end. */
export function devicesPage(visit: Visit, view: DevicesView, fault?: string): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="My devices"
      lead="Each browser profile or program that gets messages for you, over all apps. Sign out what you do not know."
      trail={[['/console/receiving', 'Receiving']]}
      fault={fault}
      wide
    >
      {view.count === 0 ? (
        <EmptyState
          title="No device yet"
          action={
            <Button href="/docs/push-messaging" kind="quiet">
              How an extension receives
            </Button>
          }
        >
          A device appears here once an app has asked for its channel in a browser where you are signed in. To
          have one at once, run <code>./bin/reveille listen</code>: it is a device too.
        </EmptyState>
      ) : (
        <>
          <div class="stack">
            {devicesTable(visit, view.devices)}
            <Pages of={view} />
          </div>
          {allCard(visit, view.count)}
        </>
      )}
    </ConsolePage>
  );
}

function devicesTable(visit: Visit, devices: readonly ListedDevice[]): JSX.Element {
  return (
    <Table
      caption="Devices of all apps"
      columns={['Device', 'App', 'Kind', 'Last seen', { label: 'Actions', align: 'end', unseen: true }]}
      rows={devices.map(({ device, app, connection }) => {
        const name = device.name || 'A device without a name';
        return [
          <a href={`${DEVICES}/${device.id}`}>{name}</a>,
          <a href={`/console/receiving/${app.id}`}>{app.title}</a>,
          kindOf(device),
          connection.current === undefined ? (
            <Time at={device.seenAt} />
          ) : (
            <Badge kind="success">connected</Badge>
          ),
          <Act visit={visit} action={`${DEVICES}/${device.id}`} hidden={{ from: 'devices' }} inline>
            <Button kind="quiet" compact label={`Sign out ${name} of ${app.title}`}>
              Sign out
            </Button>
          </Act>,
        ];
      })}
    />
  );
}

/** Beside its connection a browser left a push subscription; a program, and a browser that was refused one, has none. */
const kindOf = ({ transport }: Device): string =>
  transport === null ? 'Reached while it is connected' : 'A browser, woken by a push';

const Pages = ({ of: { count, page } }: { of: DevicesView }): JSX.Element | null => {
  const last = Math.ceil(count / limits.devicesShown);
  if (last <= 1) return null;
  return (
    <nav class="row apart" aria-label="Pages of the list">
      {page > 1 ? <a href={`${DEVICES}?page=${page - 1}`}>Seen later</a> : <span />}
      <span class="soft">
        Page {page} of {last}, {count} devices
      </span>
      {page < last ? <a href={`${DEVICES}?page=${page + 1}`}>Seen earlier</a> : <span />}
    </nav>
  );
};

function allCard(visit: Visit, count: number): JSX.Element {
  const all = count === 1 ? 'your only device' : `all ${count} devices`;
  return (
    <Card title="Sign all out" danger>
      <p>
        They get no more messages, and what waits for them is withdrawn. Apps may still send to you, and each
        device may sign in again. To stop an app, remove it under <a href="/console/receiving">Receiving</a>.
      </p>
      <Act visit={visit} action={DEVICES}>
        <Check name="sure" required>
          Sign out {all}
        </Check>
        <div>
          <Button kind="danger">Sign all out</Button>
        </div>
      </Act>
    </Card>
  );
}
