import type { AppId } from '../../protocol/app-id.ts';
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

/** A message whose fate somebody wants to be told of, as it was kept: on one channel or on many. */
export interface FollowedMessage {
  /** The name of its request in the second API; null for one that came by the historic door. */
  readonly id: string | null;
  readonly project: string;
  readonly targets: readonly { readonly channelId: ChannelId; readonly version: Version }[];
  /** Its sender asked for it. */
  readonly asked: boolean;
}

/** The port to who is told of what becomes of messages. Filled by the webhooks room. */
export interface Followers {
  /** From memory: is anyone told of all messages of the project, or to the app? Their way is recorded step by step then. */
  followsAll(project: string, app: AppId): boolean;
  /** What becomes of it is told, also after a restart, once this has settled. Never rejects. */
  follow(message: FollowedMessage): Promise<void>;
}

export const nobodyFollows: Followers = { followsAll: () => false, follow: async () => {} };
