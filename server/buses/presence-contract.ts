import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { Presence, PresentSession } from '../core/presence.ts';
import type { ChannelKey, DeviceKey } from '../core/store.ts';

export interface OpenedPresence {
  /** Presence as each node sees it. */
  readonly ends: { readonly a: Presence; readonly b: Presence };
  close(): Promise<void>;
}

const CHANNEL = 7 as ChannelKey;

function session(device: number, node: 'a' | 'b', channel = CHANNEL): PresentSession {
  return { channel, device: device as DeviceKey, node };
}

const byDevice = (one: PresentSession, other: PresentSession) =>
  one.device - other.device || (one.node < other.node ? -1 : 1);

/** The promises of core/presence.ts, as tests; each engine calls this. */
export function presenceContract(name: string, open: () => Promise<OpenedPresence>): void {
  describe(`${name} keeps the promises of presence`, () => {
    let opened: OpenedPresence;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());
    const nodes = async (channel = CHANNEL) => [...(await opened.ends.a.nodes(channel))].sort();
    const on = async (channel = CHANNEL) => [...(await opened.ends.a.sessions(channel))].sort(byDevice);

    test('PR1 a registered session is seen from every node by whoever asks afterwards', async () => {
      await opened.ends.b.register(session(1, 'b'));
      expect(await opened.ends.a.sessions(CHANNEL)).toEqual([session(1, 'b')]);
      expect(await opened.ends.b.sessions(CHANNEL)).toEqual([session(1, 'b')]);
    });

    test('PR1 all sessions of all devices of a channel are seen, and none of another channel', async () => {
      const other = 8 as ChannelKey;
      const mine = [session(1, 'a'), session(2, 'a'), session(2, 'b')];
      await opened.ends.a.register(session(1, 'a'));
      await opened.ends.a.register(session(2, 'a'));
      await opened.ends.b.register(session(2, 'b'));
      await opened.ends.b.register(session(3, 'b', other));
      expect(await on()).toEqual(mine);
      expect(await on(other)).toEqual([session(3, 'b', other)]);
      expect(await on(9 as ChannelKey)).toEqual([]);
    });

    test('PR2 a session that left is seen no more; the same device elsewhere is', async () => {
      await opened.ends.a.register(session(1, 'a'));
      await opened.ends.b.register(session(1, 'b'));
      await opened.ends.a.unregister(session(1, 'a'));
      expect(await on()).toEqual([session(1, 'b')]);
      await opened.ends.b.unregister(session(1, 'b'));
      expect(await on()).toEqual([]);
    });

    test('PR2 a node is seen once, and for as long as one of its sessions is there', async () => {
      expect(await nodes()).toEqual([]);
      await opened.ends.a.register(session(1, 'a'));
      expect(await nodes()).toEqual(['a']);
      await opened.ends.a.register(session(2, 'a'));
      await opened.ends.b.register(session(2, 'b'));
      await opened.ends.b.register(session(3, 'b', 8 as ChannelKey));
      expect(await nodes()).toEqual(['a', 'b']);
      await opened.ends.a.unregister(session(1, 'a'));
      expect(await nodes()).toEqual(['a', 'b']);
      await opened.ends.a.unregister(session(2, 'a'));
      expect(await nodes()).toEqual(['b']);
    });

    test('PR2 registering twice is seen once, and one leaving takes it away; leaving unknown changes nothing', async () => {
      await opened.ends.a.register(session(1, 'a'));
      await opened.ends.a.register(session(1, 'a'));
      await opened.ends.a.unregister(session(2, 'a'));
      await opened.ends.a.unregister(session(1, 'a', 9 as ChannelKey));
      expect(await on()).toEqual([session(1, 'a')]);
      await opened.ends.a.unregister(session(1, 'a'));
      expect(await on()).toEqual([]);
    });

    test('PR1 what was answered does not change under the reader', async () => {
      await opened.ends.a.register(session(1, 'a'));
      const before = await opened.ends.a.sessions(CHANNEL);
      await opened.ends.a.register(session(2, 'a'));
      expect(before).toEqual([session(1, 'a')]);
    });
  });
}
