import type { FC } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import type { Version } from '../../protocol/version.ts';
import type { DeviceTrace, MessageTrace } from '../core/store.ts';
import { Badge, EmptyState, Table, Time } from '../pages/content.tsx';
import { Button } from '../pages/form.tsx';
import { Id } from './frame.tsx';
import { ProjectFrame } from './project-frame.tsx';
import { TraceLink } from './reasons.tsx';
import type { Visit } from './visit.ts';

/** Where a message is on one device: what the store has recorded, or what its connection is about. */
export type DeviceState = DeviceTrace['state'] | 'offered';

export interface ShownMessage extends Omit<MessageTrace, 'devices'> {
  readonly devices: readonly (Omit<DeviceTrace, 'state'> & { readonly state: DeviceState })[];
}

/** Where offers of a device can be asked for. */
export type OfferedTo = (deviceId: string) => Promise<readonly Version[]>;

/** Marks what waits as offered where the connection of the device has it in hand. */
export async function withOffers(
  traces: readonly MessageTrace[],
  offeredTo: OfferedTo,
): Promise<readonly ShownMessage[]> {
  const waiting = new Set(
    traces.flatMap(({ devices }) =>
      devices.filter(({ state }) => state === 'waiting').map(({ deviceId }) => deviceId),
    ),
  );
  const offered = new Map(
    await Promise.all([...waiting].map(async (id) => [id, new Set(await offeredTo(id))] as const)),
  );
  return traces.map((trace) => ({
    ...trace,
    devices: trace.devices.map((device) =>
      device.state === 'waiting' && offered.get(device.deviceId)?.has(trace.version)
        ? { ...device, state: 'offered' }
        : device,
    ),
  }));
}

/** How a state looks. */
export const kinds: Readonly<Record<DeviceState, 'success' | 'info' | 'warning' | 'error' | undefined>> = {
  waiting: 'info',
  offered: 'info',
  confirmed: 'success',
  superseded: undefined,
  expired: 'warning',
  failed: 'error',
  withdrawn: undefined,
};

const States: FC<{ message: ShownMessage }> = ({ message }) => {
  if (message.devices.length === 0)
    return (
      <>
        <Badge>accepted</Badge>
        <small>No device was registered then.</small>
      </>
    );
  return (
    <ul class="states">
      {message.devices.map((device) => (
        <li>
          <Badge kind={kinds[device.state]}>{device.state}</Badge>{' '}
          <span>{device.state === 'offered' ? `to ${device.deviceName}` : device.deviceName}</span>
          {device.failedRuns > 0 && <small>{failedText(device.failedRuns)}</small>}
        </li>
      ))}
    </ul>
  );
};

const failedText = (runs: number): string =>
  runs === 1 ? 'The handler failed once.' : `The handler failed ${runs} times.`;

/** Messages, newest first, with their state on each device. */
export const MessageTable: FC<{ messages: readonly ShownMessage[]; caption: string; channel?: boolean }> = ({
  messages,
  caption,
  channel,
}) => (
  <div class="messages">
    <Table
      caption={caption}
      columns={[
        channel ? 'Payload and channel' : 'Payload',
        'Subchannel',
        'Accepted',
        'State on each device',
      ]}
      rows={messages.map((message) => [
        <>
          {message.payload === '' ? (
            <span class="soft">(empty)</span>
          ) : (
            <code class="payload">{message.payload}</code>
          )}
          {channel && message.channelId !== '' && (
            <small>
              <Id of={message.channelId} />
            </small>
          )}
        </>,
        message.slot ?? 'queue',
        <Time at={message.acceptedAt} />,
        <>
          <States message={message} />
          <small>
            <TraceLink of={message.version} label="Trace" />
          </small>
        </>,
      ])}
    />
  </div>
);

/** What a project has sent. */
export function projectMessagesPage(
  visit: Visit,
  project: { id: string; name: string },
  messages: readonly ShownMessage[],
): JSX.Element {
  return (
    <ProjectFrame
      visit={visit}
      project={project}
      title="Recent messages"
      lead="What this project has sent in the last 24 hours, newest first. Each message ends once on every device: confirmed, superseded, expired, failed or withdrawn."
      wide
      action={
        messages.length > 0 ? (
          <div class="row">
            <Button href={`/console/projects/${project.id}/messages`} kind="quiet">
              Refresh
            </Button>
            <Button href={`/console/test?project=${project.id}`}>Send a test message</Button>
          </div>
        ) : undefined
      }
    >
      {messages.length === 0 ? (
        <EmptyState
          title="No message yet"
          action={<Button href={`/console/test?project=${project.id}`}>Send a test message</Button>}
        >
          Send one to yourself to see its way: accepted, offered to a device, confirmed by the handler.
        </EmptyState>
      ) : (
        <MessageTable messages={messages} caption="Recent messages of the project" channel />
      )}
    </ProjectFrame>
  );
}
