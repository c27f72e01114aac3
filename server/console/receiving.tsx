import type { JSX } from 'hono/jsx/jsx-runtime';
import type { Device } from '../core/store.ts';
import { Badge, Card, EmptyState, Table, Time } from '../pages/content.tsx';
import { Button, Check } from '../pages/form.tsx';
import { DEVICES } from './devices-page.tsx';
import { Act, ConsolePage, Id, More } from './frame.tsx';
import { MessageTable, type ShownMessage } from './messages.tsx';
import type { Visit } from './visit.ts';

/** One app that may send to the account. */
export interface ReceivingView {
  readonly app: string;
  readonly title: string;
  readonly channelId: string;
  readonly paused: boolean;
  readonly devices: readonly Device[];
}

/** The user's side: the apps that may send to me, and my devices. */
export function receivingPage(visit: Visit, apps: readonly ReceivingView[], fault?: string): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title="Apps that may send to me"
      lead="An app appears here once it has asked for its channel in a browser where you are signed in. Each browser profile is a device."
      fault={fault}
      action={
        <Button href={DEVICES} kind="quiet">
          My devices
        </Button>
      }
    >
      {apps.length === 0 && (
        <EmptyState
          title="No app may send to you yet"
          action={
            <Button href="/console/apps" kind="quiet">
              Go to apps
            </Button>
          }
        >
          Load an extension that uses chrome.pushMessaging in a browser where you are signed in here, or run{' '}
          <code>./bin/reveille listen</code>, which is a device too.
        </EmptyState>
      )}
      {apps.map((view) => appCard(visit, view))}
    </ConsolePage>
  );
}

function appCard(visit: Visit, view: ReceivingView): JSX.Element {
  const { app, title, channelId, paused, devices } = view;
  const home = `/console/receiving/${app}`;
  return (
    <Card id={app}>
      <div class="row apart">
        <div>
          <h2>
            {title} {paused && <Badge kind="warning">paused</Badge>}
          </h2>
          <p class="soft small">
            Channel <Id of={channelId} />
          </p>
        </div>
        <div class="row">
          <Button href={home} kind="quiet" compact label={`Messages of ${title}`}>
            Messages
          </Button>
          <Act visit={visit} action={`${home}/${paused ? 'resume' : 'pause'}`} inline>
            <Button kind="quiet" compact label={`${paused ? 'Resume' : 'Pause'} ${title}`}>
              {paused ? 'Resume' : 'Pause'}
            </Button>
          </Act>
        </div>
      </div>
      {paused && (
        <p class="soft">
          Messages are accepted and wait. On each subchannel the newest one arrives when you resume.
        </p>
      )}
      <More label="Remove this app">
        <p>
          It may not send to you any more: its devices are signed out and what waits is withdrawn. Senders are
          told to forget the channel.
        </p>
        <Act visit={visit} action={`${home}/remove`}>
          <Check name="sure" required>
            {title} may not send to me any more
          </Check>
          <div>
            <Button kind="danger">Remove app</Button>
          </div>
        </Act>
      </More>
      {devices.length === 0 ? (
        <p class="soft">No device at the moment. Messages are accepted and reach nobody.</p>
      ) : (
        devicesTable(visit, devices)
      )}
    </Card>
  );
}

function devicesTable(visit: Visit, devices: readonly Device[]): JSX.Element {
  return (
    <Table
      caption="Devices"
      columns={['Device', 'Registered', 'Last seen', { label: 'Actions', align: 'end', unseen: true }]}
      rows={devices.map((device) => [
        <a href={`${DEVICES}/${device.id}`}>{device.name || 'A device without a name'}</a>,
        <Time at={device.registeredAt} />,
        <Time at={device.seenAt} />,
        <Act visit={visit} action={`${DEVICES}/${device.id}`} inline>
          <Button kind="quiet" compact label={`Sign out ${device.name}`}>
            Sign out
          </Button>
        </Act>,
      ])}
    />
  );
}

/** What one app has sent to the account. */
export function receivedPage(
  visit: Visit,
  view: ReceivingView,
  messages: readonly ShownMessage[],
): JSX.Element {
  return (
    <ConsolePage
      visit={visit}
      title={`Messages of ${view.title}`}
      lead="What came for you in the last 24 hours, newest first."
      trail={[['/console/receiving', 'Receiving']]}
      wide
    >
      {messages.length === 0 ? (
        <EmptyState title="No message yet">
          What this app sends to you appears here, with what became of it on each of your devices.
        </EmptyState>
      ) : (
        <MessageTable messages={messages} caption={`Messages of ${view.title} to you`} />
      )}
    </ConsolePage>
  );
}
