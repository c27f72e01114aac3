import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import type { Urgency } from '../../protocol/urgency.ts';
import type { DeviceConnection, EndedConnection } from '../core/connection.ts';
import type { Device, Missed } from '../core/store.ts';
import type { FailedWake } from '../core/wake.ts';
import { Badge, Card, Facts, Table, Time } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { DEVICES } from './devices-page.tsx';
import { Act, ConsolePage, Id } from './frame.tsx';
import type { Visit } from './visit.ts';

/** One device of the account, and what is known of it now. */
export interface DeviceView {
  readonly device: Device;
  readonly app: { readonly id: string; readonly title: string };
  readonly connection: DeviceConnection;
  readonly waiting: Missed;
  /** Of the limits.wakesPerHour. */
  readonly wakesSpent: number;
  readonly failedWake: FailedWake | undefined;
}

const gateways: Readonly<Record<string, string>> = {
  websocket: 'a WebSocket, open while the app runs',
};

const endings: Readonly<Record<string, string>> = {
  replaced: 'a newer connection of the same device took its place',
  silent: 'nothing was heard of it for too long',
  'too-slow': 'it did not read what was sent to it',
  'frame-bad': 'it sent what is no frame of the protocol',
  'device-ended': 'the device was signed out',
  'going-away': 'the service stopped',
  internal: 'the service failed; its log says more',
  '1000': 'the app closed it',
  '4000': 'the app had nothing to do and went to rest: a push wakes it',
  '1001': 'the extension went to sleep, or the browser quit',
  '1006': 'it broke without a word: a network that failed, or a program that was killed',
};

/** A device: how it is reached, what waits for it, and how its last connection ended. */
export function devicePage(
  visit: Visit,
  { device, app, connection, waiting, wakesSpent, failedWake }: DeviceView,
): JSX.Element {
  const title = device.name || 'A device without a name';
  return (
    <ConsolePage
      visit={visit}
      title={title}
      lead={`A device of yours for ${app.title}.`}
      trail={[
        ['/console/receiving', 'Receiving'],
        [DEVICES, 'My devices'],
      ]}
    >
      <Card title="Connection">
        <Facts
          of={[
            ['App', <a href={`/console/receiving/${app.id}`}>{app.title}</a>],
            ['Now', now(connection)],
            ...(connection.current === undefined
              ? []
              : ([
                  ['Since', <Time at={connection.current.since} />],
                  ['Last heard', <Time at={connection.current.heardAt} />],
                ] as const)),
            ['Last connection', connection.ended === undefined ? unknownEnding : ending(connection.ended)],
            ['Woken by', wokenBy(device.transport, wakesSpent)],
            ...(failedWake === undefined ? [] : ([['Could not be woken', failed(failedWake)]] as const)),
            ['Wants', wanted(device.lowestUrgency)],
            ['Last seen', <Time at={device.seenAt} />],
            ['Registered', <Time at={device.registeredAt} />],
            ['Id', <Id of={device.id} />],
          ]}
        />
      </Card>
      {waitingCard(device, waiting)}
      <Card title="Sign out" danger>
        <p>The device gets no more messages, and what waits for it is withdrawn. It may sign in again.</p>
        <Act visit={visit} action={`${DEVICES}/${device.id}`}>
          <Button kind="danger">Sign this device out</Button>
        </Act>
      </Card>
    </ConsolePage>
  );
}

const unknownEnding = 'None has ended since this server started.';

function now({ current }: DeviceConnection): JSX.Element {
  if (current === undefined) return <Badge>not connected</Badge>;
  return (
    <>
      <Badge kind="success">connected</Badge> by {gateways[current.gateway] ?? current.gateway}
    </>
  );
}

function ending({ at, gateway, reason }: EndedConnection): JSX.Element {
  return (
    <>
      Ended <Time at={at} />: {endings[reason] ?? `code ${reason}`} ({gateway})
    </>
  );
}

function wokenBy(transport: string | null, spent: number): string {
  if (transport === null) return 'Nothing: it gets messages while it is connected.';
  const { wakesPerHour } = limits;
  const told = `A push of its browser: ${spent} of ${wakesPerHour} wake-ups of this hour are spent.`;
  return spent < wakesPerHour ? told : `${told} Until it ends the app is woken for the newest message alone.`;
}

function failed({ at, why }: FailedWake): JSX.Element {
  return (
    <>
      <Time at={at} />: {why}
    </>
  );
}

function wanted(lowest: Urgency): string {
  if (lowest === 'very-low') return 'Everything.';
  return `Urgency ${lowest}${lowest === 'high' ? '' : ' and above'}: what is less urgent waits until it asks for it.`;
}

function waitingCard(device: Device, { kept, more }: Missed): JSX.Element {
  if (device.channel.state === 'paused')
    return (
      <Card title="Waiting">
        <p>
          The app is paused: messages are kept, and the newest of each subchannel arrives when you resume.
        </p>
      </Card>
    );
  if (kept.length === 0)
    return (
      <Card title="Waiting">
        <p>Nothing waits for this device.</p>
      </Card>
    );
  return (
    <Card title="Waiting" lead={more ? `The first ${kept.length}; the queue holds more.` : undefined}>
      <Table
        caption={`Messages that wait for ${device.name}`}
        columns={['Payload', 'Subchannel', 'Accepted', 'Expires']}
        rows={kept.map(({ payload, slot, acceptedAt, expiresAt }) => [
          payload === '' ? <span class="soft">(empty)</span> : <code class="payload">{payload}</code>,
          slot ?? 'queue',
          <Time at={acceptedAt} />,
          <Time at={expiresAt} />,
        ])}
      />
    </Card>
  );
}
