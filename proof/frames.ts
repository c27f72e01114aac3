import { clientFrameTypes } from '../protocol/wire.ts';
import { clientFrameTypes as autopushTypes } from '../server/gateways/autopush/codec.ts';
import { tags } from '../server/gateways/mcs/codec.ts';

/** What a frame of a client does: it brings credentials, speaks of something that has an owner, or of nothing. */
export type FrameKind = 'login' | 'of something' | 'of nothing';

type Rows = Readonly<Record<string, FrameKind>>;

/** The kind of every frame, by gateway. One that is missing has no rows, which is a fault. */
const kinds: Readonly<Record<string, Rows>> = {
  websocket: {
    ...{ hello: 'login', ping: 'of nothing' },
    ...{ taken: 'of something', confirm: 'of something', refuse: 'of something' },
  },
  autopush: {
    ...{ hello: 'login', ping: 'of nothing', broadcast_subscribe: 'of nothing' },
    ...{ register: 'of something', unregister: 'of something', ack: 'of something', nack: 'of something' },
  },
  mcs: {
    ...{
      login: 'login',
      ping: 'of nothing',
      pong: 'of nothing',
      loggedIn: 'of nothing',
      close: 'of nothing',
    },
    ...{ iq: 'of something', data: 'of nothing' },
  },
};

const spoken: Readonly<Record<string, readonly string[]>> = {
  websocket: clientFrameTypes,
  autopush: autopushTypes,
  mcs: Object.keys(tags),
};

/**
 * The frames of a gateway that are of these kinds, from the gateway's own list.
 * @throws Error that names the frames of which it is not said what they do.
 */
export function framesOf(
  gateway: 'websocket' | 'autopush' | 'mcs',
  wanted: readonly FrameKind[],
  types = spoken[gateway] ?? [],
): readonly string[] {
  const rows = kinds[gateway] ?? {};
  const bare = types.filter((type) => rows[type] === undefined);
  if (bare.length > 0)
    throw new Error(`frames of ${gateway} without rows in proof/frames.ts: ${bare.join(', ')}`);
  return types.filter((type) => wanted.includes(rows[type] as FrameKind));
}
