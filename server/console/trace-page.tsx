import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FC } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { errorTable } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { DeviceTrace } from '../core/store.ts';
import { Badge, Card, EmptyState, Facts, Notice, Table, Time } from '../pages/content.tsx';
import { Button, Field } from '../pages/form.tsx';
import { ConsolePage, Id } from './frame.tsx';
import { kinds } from './messages.tsx';
import { nobodyReason, reasonOf, TraceLink } from './reasons.tsx';
import type { ChannelNow, Found, TracedMessage } from './tracing.ts';
import type { Visit } from './visit.ts';

export const liveText = readFileSync(new URL('./trace-live.js', import.meta.url), 'utf8');
const fingerprint = createHash('sha256').update(liveText).digest('base64url').slice(0, 12);

/** Address of the script that keeps the page fresh. */
export const livePath = '/console/trace-live.js';

/** The way of a message, and why it is where it is. @param of what was pasted, empty at first */
export function tracePage(visit: Visit, of: string, found: Found | undefined): JSX.Element {
  const again = `/console/trace?of=${encodeURIComponent(of)}`;
  return (
    <ConsolePage
      visit={visit}
      title="Message trace"
      lead="Where a message is on each device, and why it is not further."
      action={
        found && (
          <Button href={again} kind="quiet">
            Reload
          </Button>
        )
      }
      wide
    >
      <Card>
        <form method="get" action="/console/trace" class="form">
          <Field
            label="Message or channel"
            name="of"
            value={of}
            hint={
              <>
                The <code>id</code> or a <code>version</code> that <code>/v2/messages</code> answered, the
                header <code>Reveille-Message</code> of the historic door, or a channel ID.
              </>
            }
            maxlength={100}
            spellcheck={false}
            required
            autofocus={found === undefined}
          />
          <div>
            <Button>Find it</Button>
          </div>
        </form>
      </Card>
      <div id="life" class="stack-wide" data-open={found && isOpen(found) ? 'yes' : undefined}>
        {found === undefined ? <Empty /> : <Shown of={of} found={found} />}
      </div>
      {found && isOpen(found) && <script type="module" src={`${livePath}?${fingerprint}`} />}
    </ConsolePage>
  );
}

/** Something may still change by itself. */
function isOpen(found: Found): boolean {
  if (found.kind === 'nothing') return false;
  if (found.kind === 'channel') return true;
  const messages = found.kind === 'message' ? [found.message] : found.messages;
  return messages.some(({ devices }) => devices.some(({ trace }) => trace.state === 'waiting'));
}

const Empty: FC = () => (
  <EmptyState
    title="A message does not arrive?"
    action={
      <Button href="/console/test" kind="quiet">
        Send a test message
      </Button>
    }
  >
    Paste its id above, or the channel that it was sent to. The page says of each device what has happened and
    what the message waits for, and follows it while you look.
  </EmptyState>
);

const Shown: FC<{ of: string; found: Found }> = ({ of, found }) => {
  switch (found.kind) {
    case 'nothing':
      return <Nothing of={of} />;
    case 'message':
      return <MessageCard message={found.message} />;
    case 'multicast':
      return <Multicast found={found} />;
    case 'channel':
      return <Channel found={found} />;
  }
};

const Nothing: FC<{ of: string }> = ({ of }) => (
  <EmptyState title="Nothing of yours by this name">
    No message of your projects and no channel of your apps is <code>{of.slice(0, 100)}</code>. A request that
    was answered with an error was never accepted: the answer says why. Messages of <code>/v2/messages</code>{' '}
    can be followed for {limits.stateDays} days, others for {limits.traceHours} hours while they are among the
    newest. And a project that you are no member of is not yours to see.
  </EmptyState>
);

const Multicast: FC<{ found: Extract<Found, { kind: 'multicast' }> }> = ({ found }) => {
  const { id, messages, refused, targets } = found;
  const accepted = targets - refused.length;
  return (
    <>
      <Card title="Request">
        <Facts
          of={[
            ['Id', <Id of={id} />],
            ['Channels', `${accepted} accepted, ${refused.length} refused`],
          ]}
        />
        {refused.length > 0 && (
          <Table
            caption="Refused channels"
            columns={['Channel', 'Why']}
            rows={refused
              .slice(0, 20)
              .map(({ channelId, code }) => [
                <Id of={channelId} />,
                `${errorTable[code].message} ${errorTable[code].next}`,
              ])}
          />
        )}
        {messages.length < accepted && (
          <p class="soft">
            Of the accepted ones {messages.length} are shown; paste another channel or version to see it.
          </p>
        )}
      </Card>
      {messages.map((message) => (
        <MessageCard message={message} />
      ))}
    </>
  );
};

const Channel: FC<{ found: Extract<Found, { kind: 'channel' }> }> = ({ found }) => {
  const { id, channel, newest, earlier } = found;
  return (
    <>
      <Card title="Channel">
        <Facts of={[['Id', <Id of={id} />], ...(channel === undefined ? [] : channelFacts(channel))]} />
        {channel === undefined && (
          <p class="soft">The app belongs to others: here are the messages of your projects alone.</p>
        )}
        {channel?.state !== 'removed' && channel?.state !== 'none' && newest.length === 0 && (
          <Notice kind="info">
            No message of your projects is kept for this channel now. Either none was accepted lately, or it
            has ended on every device and left the trace.
          </Notice>
        )}
      </Card>
      {newest.map((message) => (
        <MessageCard message={message} />
      ))}
      {earlier.length > 0 && (
        <Card title="Before them">
          <Table
            caption="Earlier messages of the channel"
            columns={['Message', 'Subchannel', 'Accepted']}
            rows={earlier.map(({ version, slot, acceptedAt }) => [
              <TraceLink of={version} label={String(version)} />,
              slot ?? 'queue',
              <Time at={acceptedAt} seconds />,
            ])}
          />
        </Card>
      )}
    </>
  );
};

function channelFacts({ state, devices, lastConfirmed }: ChannelNow): [string, JSX.Element | string][] {
  if (state === 'none')
    return [['State', 'Nobody has this channel: it was never given out here, or its account is gone.']];
  if (state === 'removed')
    return [
      ['State', 'Removed by its user: what is sent to it is refused until the user lets the app in again.'],
    ];
  return [
    [
      'State',
      state === 'paused' ? (
        <Badge kind="warning">paused by its user</Badge>
      ) : (
        <Badge kind="success">open</Badge>
      ),
    ],
    ['Devices', devices === 0 ? 'None: nobody has the app running and is signed in.' : String(devices)],
    ['Last confirm', lastConfirmed === undefined ? 'never' : <Time at={lastConfirmed} seconds />],
  ];
}

const MessageCard: FC<{ message: TracedMessage }> = ({ message }) => {
  const { trace, project, devices } = message;
  const { version, channelId, slot, payload, acceptedAt, expiresAt } = trace;
  return (
    <Card title={slot === null ? `Message ${version}` : `Message ${version}, subchannel ${slot}`}>
      <Facts
        of={[
          [
            'Payload',
            payload === '' ? <span class="soft">(empty)</span> : <code class="payload">{payload}</code>,
          ],
          ['Channel', <TraceLink of={channelId} label={channelId} />],
          ['Project', <a href={`/console/projects/${project.id}/messages`}>{project.name}</a>],
          ['Accepted', <Time at={acceptedAt} seconds />],
          ['Waits until', <Time at={expiresAt} seconds />],
        ]}
      />
      {devices.length === 0 ? (
        <Notice kind="warning">{nobodyReason(message)}</Notice>
      ) : (
        <div class="messages">
          <Table
            caption={`Message ${version} on each device`}
            columns={['Device', 'State', 'Steps', 'Why']}
            rows={devices.map((device) => [
              device.trace.deviceName || 'without a name',
              <Badge kind={kinds[stateOf(device)]}>{stateOf(device)}</Badge>,
              <Steps of={device.trace} acceptedAt={acceptedAt} />,
              <span class="why">{reasonOf(message, device)}</span>,
            ])}
          />
        </div>
      )}
    </Card>
  );
};

function stateOf({ trace, now }: TracedMessage['devices'][number]): DeviceTrace['state'] | 'offered' {
  const written = now?.standing !== undefined && now.standing.state !== 'waiting';
  return trace.state === 'waiting' && written ? 'offered' : trace.state;
}

const Steps: FC<{ of: DeviceTrace; acceptedAt: number }> = ({ of, acceptedAt }) => {
  const { state, at, sentAt, receivedAt } = of;
  const steps = [
    ['accepted', acceptedAt],
    ['sent', sentAt],
    ['received', receivedAt],
    [state, at ?? undefined],
  ] as const;
  return (
    <ol class="way">
      {steps.map(
        ([name, when]) =>
          when !== undefined && (
            <li>
              {name} <Time at={when} seconds />
            </li>
          ),
      )}
    </ol>
  );
};
