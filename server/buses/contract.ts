import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import type { ChannelId } from '../../protocol/channel-id.ts';
import type { Version } from '../../protocol/version.ts';
import type { Announcement, Bus } from '../core/bus.ts';
import type { ChannelKey, DeviceKey, Kept } from '../core/store.ts';

export interface OpenedBus {
  /** The bus as each node sees it: the same object in one process, one end of a connection else. */
  readonly ends: { readonly a: Bus; readonly b: Bus };
  close(): Promise<void>;
}

const kept = (version: number): Kept => ({
  version: version as Version,
  channel: 7 as ChannelKey,
  slot: '0',
  payload: `payload ${version} 🎈`,
  acceptedAt: 1_000,
  expiresAt: 2_000,
});

const channelId = '01234567890123456789/abcdefghijklmnopabcdefghijklmnop' as ChannelId;

const announcements: readonly Announcement[] = [
  { kind: 'kept', kept: [kept(1), { ...kept(2), slot: null }] },
  { kind: 'receipt', receipts: 'r', version: 9 as Version },
  { kind: 'ended', devices: [3, 4].map((key) => ({ key: key as DeviceKey, channelId })) },
  { kind: 'moved', channels: [channelId] },
  { kind: 'resumed', channel: 7 as ChannelKey },
];

/** The promises of core/bus.ts, as tests; each engine calls this with a way to open a bus between the nodes "a" and "b". */
export function busContract(name: string, open: () => Promise<OpenedBus>): void {
  describe(`${name} keeps the promises of a bus`, () => {
    let opened: OpenedBus;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    /** Notes what reaches a node. */
    function listen(node: 'a' | 'b'): { heard: Announcement[]; stop: () => void } {
      const heard: Announcement[] = [];
      return { heard, stop: opened.ends[node].onAnnounce(node, (one) => heard.push(one)) };
    }

    test('BU1 an announcement reaches its node, unchanged, and no other; it settles after the handlers ran', async () => {
      const [a, b] = [listen('a'), listen('b')];
      for (const announcement of announcements) await opened.ends.a.announce('b', announcement);
      expect(b.heard).toEqual([...announcements]);
      expect(a.heard).toEqual([]);
    });

    test('BU1 a node can announce to itself', async () => {
      const a = listen('a');
      await opened.ends.a.announce('a', announcements[2] as Announcement);
      expect(a.heard).toHaveLength(1);
    });

    test('BU2 announcements of one node to another arrive in order, also when none is waited for', async () => {
      const b = listen('b');
      const all = Array.from({ length: 100 }, (_, i): Announcement => ({ kind: 'kept', kept: [kept(i)] }));
      await Promise.all(all.map((announcement) => opened.ends.a.announce('b', announcement)));
      expect(b.heard).toEqual(all);
    });

    test('BU1 an announcement to all reaches every node once, the own one too', async () => {
      const [a, b] = [listen('a'), listen('b')];
      await opened.ends.a.announceAll(announcements[1] as Announcement);
      expect([a.heard.length, b.heard.length]).toEqual([1, 1]);
    });

    test('BU3 an announcement to a node that is gone settles and reaches nobody', async () => {
      const b = listen('b');
      b.stop();
      await opened.ends.a.announce('b', announcements[2] as Announcement);
      await opened.ends.a.announceAll(announcements[2] as Announcement);
      expect(b.heard).toEqual([]);
    });

    test('BU3 who stopped listening hears no more, others of its node do; stopping twice changes nothing', async () => {
      const [one, two] = [listen('b'), listen('b')];
      one.stop();
      one.stop();
      await opened.ends.a.announce('b', announcements[2] as Announcement);
      expect([one.heard.length, two.heard.length]).toEqual([0, 1]);
    });

    test('BU3 a handler that fails keeps no other handler from hearing', async () => {
      opened.ends.b.onAnnounce('b', () => {
        throw new Error('a fault of the handler');
      });
      const b = listen('b');
      await opened.ends.a.announce('b', announcements[2] as Announcement).catch(() => undefined);
      expect(b.heard).toHaveLength(1);
    });
  });
}
