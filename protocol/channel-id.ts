import { type AppId, isAppId } from './app-id.ts';

/** CH1: 20 decimal digits, `/`, 32 letters a-p: one user of one app. Opaque to a sender. */
export type ChannelId = string & { readonly __brand: 'ChannelId' };

const CHANNEL_ID = /^[0-9]{20}\/[a-p]{32}$/;
/** As many digits as an id has, so that texts compare as their numbers do. */
const UINT64_MAX = '18446744073709551615';

/** True for a well-formed channel id whose digits fit an unsigned 64-bit number. */
export function isChannelId(text: string): text is ChannelId {
  return CHANNEL_ID.test(text) && text.slice(0, 20) <= UINT64_MAX;
}

/** The app that a channel belongs to: the part behind the slash. */
export function appOfChannel(channel: ChannelId): AppId {
  return channel.slice(21) as AppId;
}

/**
 * A fresh channel id for one user of `app`.
 * @param random 8 random bytes: the digits are never derived from anything, so two apps cannot tell that they share a user.
 */
export function makeChannelId(app: AppId, random: Uint8Array): ChannelId {
  if (random.length !== 8 || !isAppId(app))
    throw new TypeError('a channel id needs 8 random bytes and an app id');
  const digits = new DataView(random.buffer, random.byteOffset, 8)
    .getBigUint64(0)
    .toString()
    .padStart(20, '0');
  return `${digits}/${app}` as ChannelId;
}
