import type { Child } from 'hono/jsx';
import type { JSX } from 'hono/jsx/jsx-runtime';
import { limits } from '../../protocol/limits.ts';
import type { DeviceTrace } from '../core/store.ts';
import { Time } from '../pages/content.tsx';
import type { DeviceNow, TracedMessage } from './tracing.ts';

/** Why a message is where it is on one device, in words for whoever asks why it does not arrive. */
export function reasonOf(message: TracedMessage, { trace, now }: TracedMessage['devices'][number]): Child {
  switch (trace.state) {
    case 'confirmed':
      return 'The handler ended well and the device has said so.';
    case 'superseded':
      return superseded(message);
    case 'expired':
      return (
        <>
          Its time was over before a handler ended well. {neverSent(trace)}A longer <code>ttl</code> lets it
          wait longer, 28 days at most.
        </>
      );
    case 'failed':
      return `The handler ended badly ${trace.failedRuns} times, so it is not run again. Look into the app's own errors.`;
    case 'withdrawn':
      return 'Taken back: the device was signed out, the app removed, or another device confirmed it first.';
    case 'waiting':
      return waiting(message, trace, now);
  }
}

/** What a message says that no device was to get. */
export function nobodyReason({ channelState }: TracedMessage): string {
  return channelState === 'removed'
    ? 'The user has removed the app, or the account is gone.'
    : 'No device of this user was registered when the message was accepted, and a device that registers later does not get it. Is the app running, and has it called getChannelId since?';
}

const neverSent = ({ sentAt, receivedAt }: DeviceTrace): string =>
  sentAt === undefined && receivedAt === undefined ? '' : 'It had been sent, and no confirm came. ';

function superseded({ next }: TracedMessage): JSX.Element {
  return (
    <>
      Superseded by {next === undefined ? 'a newer message of its subchannel' : <TraceLink of={next} />}: a
      device that was away, or that is behind, gets the newest of each subchannel.
    </>
  );
}

function waiting(message: TracedMessage, trace: DeviceTrace, now: DeviceNow | undefined): Child {
  if (message.channelState === 'paused')
    return 'Paused by the user. It is kept, and arrives when the user resumes the app.';
  if (now === undefined) return 'The device is leaving.';
  return (
    <>
      {now.connection.current === undefined ? away(trace, now) : connected(now)}
      {trace.failedRuns > 0 && (
        <>
          {' '}
          The handler has ended badly {trace.failedRuns} of {limits.failedRuns} times.
        </>
      )}
    </>
  );
}

function connected({ device, standing }: DeviceNow): Child {
  if (standing?.state === 'running')
    return (
      <>
        Waits for the handler's confirm: a run began{' '}
        {standing.runningSince === undefined ? 'a while ago' : <At at={standing.runningSince} />}. Does each
        promise that a listener returns end?
      </>
    );
  if (standing?.state === 'offered')
    return (
      <>
        Offered {standing.offers === 1 ? 'once' : `${standing.offers} times`} to the connected device, which
        has not confirmed it; offered again <At at={standing.dueAt} />. Has the app a listener for messages?
      </>
    );
  if (device.lowestUrgency !== 'very-low')
    return `The device is connected and wants urgency ${device.lowestUrgency} and above for now: what is less urgent waits until it asks.`;
  return `The device is connected. The message waits for its turn: at most ${limits.unconfirmedPerSlot} of a subchannel are on their way unconfirmed.`;
}

function away(trace: DeviceTrace, { device, connection, rest, failedWake }: DeviceNow): JSX.Element {
  const since = connection.ended?.at ?? device.seenAt;
  return (
    <>
      Device offline since <At at={since} />
      {device.transport === null ? (
        <>
          , and nothing can wake it: it has no push subscription. The message arrives when the app connects
          again.
        </>
      ) : rest !== undefined ? (
        <>
          ; its push service <code>{rest.host}</code> rests until <At at={rest.until} />, because it could not
          take a push.
        </>
      ) : failedWake !== undefined ? (
        <>
          ; it could not be woken <At at={failedWake.at} />: {failedWake.why}
        </>
      ) : trace.sentAt !== undefined ? (
        <>
          ; it was woken by its browser's push service, and its app has not answered. The browser may be
          closed. It is woken again, at longer and longer intervals.
        </>
      ) : (
        <>
          ; it is woken by its browser's push service, again and again at longer intervals. The browser may be
          closed.
        </>
      )}
    </>
  );
}

const At = ({ at }: { at: number }): JSX.Element => <Time at={at} seconds />;

/** A message by its id. */
export const TraceLink = ({ of, label }: { of: number | string; label?: string }): JSX.Element => (
  <a href={`/console/trace?of=${encodeURIComponent(of)}`}>{label ?? `message ${of}`}</a>
);
