import { describe, expect, test } from 'bun:test';
import type { Version } from '../../protocol/version.ts';
import { silentEvents } from '../observe/events.ts';
import { Announcer } from './announcer.ts';
import type { Announcement, Bus } from './bus.ts';
import type { Presence } from './presence.ts';
import type { ChannelKey, Kept } from './store.ts';

const kept = (version: number): Kept => ({
  version: version as Version,
  channel: 7 as ChannelKey,
  slot: '0',
  payload: '',
  acceptedAt: 0,
  expiresAt: 1,
});

/** A bus to slow nodes: each announcement stays under way until the test lets it through. */
function slowNodes(nodes: readonly string[]) {
  const log: { node: string; versions: number[] }[] = [];
  const underWay: (() => void)[] = [];
  const presence: Presence = {
    register: async () => {},
    unregister: async () => {},
    sessions: async () => [],
    nodes: async () => nodes,
  };
  const bus: Bus = {
    announce: (node, announcement: Announcement) => {
      if (announcement.kind === 'kept')
        log.push({ node, versions: announcement.kept.map((one) => one.version) });
      return new Promise((resolve) => underWay.push(resolve));
    },
    announceAll: async () => {},
    onAnnounce: () => () => {},
  };
  return { announcer: new Announcer({ presence, bus, events: silentEvents }), log, underWay };
}

describe('announcing', () => {
  test('NO1 the first announcement leaves at once, what comes meanwhile leaves together', async () => {
    const { announcer, log, underWay } = slowNodes(['a']);
    for (let version = 1; version <= 5; version++) await announcer.announce(kept(version));
    expect(log).toEqual([{ node: 'a', versions: [1] }]);
    underWay.shift()?.();
    await Bun.sleep(0);
    expect(log[1]).toEqual({ node: 'a', versions: [2, 3, 4, 5] });
  });

  test('NO1 a node that is slow does not hold up another', async () => {
    const { announcer, log, underWay } = slowNodes(['slow', 'quick']);
    await announcer.announce(kept(1));
    underWay[1]?.();
    await Bun.sleep(0);
    await announcer.announce(kept(2));
    expect(log.filter((entry) => entry.node === 'quick')).toHaveLength(2);
    expect(log.filter((entry) => entry.node === 'slow')).toHaveLength(1);
  });

  test('AC1 a presence that fails costs the announcement, never the sender its answer', async () => {
    const failures: string[] = [];
    const presence: Presence = {
      register: async () => {},
      unregister: async () => {},
      sessions: async () => [],
      nodes: () => Promise.reject(new Error('presence is away')),
    };
    const bus: Bus = { announce: async () => {}, announceAll: async () => {}, onAnnounce: () => () => {} };
    const announcer = new Announcer({
      presence,
      bus,
      events: { ...silentEvents, failed: (where) => failures.push(where) },
    });
    await announcer.announce(kept(1));
    expect(failures).toEqual(['announce']);
  });
});
