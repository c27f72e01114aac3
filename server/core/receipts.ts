import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Version } from '../../protocol/version.ts';
import type { Ending, MessageTrace } from './store.ts';

/** A step of a message on one device, or its end there: what senders are told, once for each. */
export interface Receipt {
  readonly version: Version;
  readonly channelId: ChannelId;
  /** Public name of the device. */
  readonly device: string;
  readonly state: 'sent' | 'received' | Ending;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Everything that has happened to a message so far, in order for each device. */
export function receiptsOf({ version, channelId, devices }: MessageTrace): readonly Receipt[] {
  if (channelId === '') return [];
  return devices.flatMap(({ deviceId: device, sentAt, receivedAt, state, at }) => {
    const receipt = (what: Receipt['state'], when: number): Receipt => ({
      version,
      channelId,
      device,
      state: what,
      at: when,
    });
    return [
      ...(sentAt === undefined ? [] : [receipt('sent', sentAt)]),
      ...(receivedAt === undefined ? [] : [receipt('received', receivedAt)]),
      ...(state === 'waiting' || at === null ? [] : [receipt(state, at)]),
    ];
  });
}

/** Nothing more will happen to it: it has ended on every device that is entitled to it, if there is any. */
export function hasEnded({ devices }: MessageTrace): boolean {
  return devices.every(({ state }) => state !== 'waiting');
}
