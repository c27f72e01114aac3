import type { ChannelId } from './channel-id.ts';
import type { Subchannel } from './subchannel.ts';

/** What a sender asks for, after the door has read it. */
export interface Message {
  readonly channel: ChannelId;
  readonly subchannel: Subchannel;
  /** Well-formed text; its UTF-8 length is within the project's limit. */
  readonly payload: string;
}

/** What a handler gets: `chrome.pushMessaging.onMessage` hands exactly these two to a listener (reference 2.1). */
export interface PushMessage {
  readonly subchannelId: number;
  readonly payload: string;
}

/** Bytes of `text` in UTF-8, without encoding it. `text` must be well formed. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes: one extra per half.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
