import type { ChannelKey, DeviceKey } from './store.ts';

/** The name of one server process. The embedded service is one node. */
export type NodeId = string;

/** Where a device is connected now. */
export interface PresentSession {
  readonly channel: ChannelKey;
  readonly device: DeviceKey;
  readonly node: NodeId;
}

/** The port to who is connected where. Losing all of it must cost delay, never a message. */
export interface Presence {
  /** Settles when every later `sessions` call, on any node, sees it. */
  register(session: PresentSession): Promise<void>;
  unregister(session: PresentSession): Promise<void>;
  /** All sessions of all devices of a channel. */
  sessions(channel: ChannelKey): readonly PresentSession[] | Promise<readonly PresentSession[]>;
  /** The nodes of these sessions, each once: whom a message for the channel is announced to, however many devices there are. */
  nodes(channel: ChannelKey): readonly NodeId[] | Promise<readonly NodeId[]>;
}
