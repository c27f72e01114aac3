import { expect, test } from 'bun:test';
import { limits } from '../../protocol/limits.ts';
import { ManualClock } from './manual-clock.ts';
import { StormCollecting } from './storm-collecting.ts';

const quiet = limits.stormQuietMs;

function silentServer() {
  const clock = new ManualClock();
  let collections = 0;
  const collecting = new StormCollecting(clock, () => {
    collections++;
  });
  const storm = (connections: number) => {
    for (let count = 0; count < connections; count++) collecting.events.connected('device', 'websocket');
  };
  return { clock, collecting, storm, collections: () => collections };
}

test('LM1 a storm of connections is collected after once, when nothing happens any more', () => {
  const { clock, storm, collections } = silentServer();
  storm(limits.stormConnections);
  clock.advance(quiet - 1);
  expect(collections()).toBe(0);
  clock.advance(1);
  expect(collections()).toBe(1);
  clock.advance(10 * quiet);
  expect(collections()).toBe(1);
});

test('LM1 what happens meanwhile puts the collection off: requests come first', () => {
  const { clock, collecting, storm, collections } = silentServer();
  storm(limits.stormConnections);
  const happening = [
    () => collecting.events.accepted(1, 'project', 'app'),
    () => collecting.events.offered(1, ['device']),
    () => collecting.events.confirmed(1, 'device'),
    () => collecting.events.disconnected('device', 'websocket', '1000'),
  ];
  for (const happens of happening) {
    clock.advance(quiet - 1);
    happens();
    clock.advance(1);
    expect(collections()).toBe(0);
  }
  clock.advance(quiet);
  expect(collections()).toBe(1);
});

test('LM1 fewer connections are left to the engine; comings and goings since the last collection count alike', () => {
  const { clock, collecting, storm, collections } = silentServer();
  storm(limits.stormConnections - 1);
  clock.advance(10 * quiet);
  expect(collections()).toBe(0);
  collecting.events.disconnected('device', 'websocket', '1000');
  clock.advance(quiet);
  expect(collections()).toBe(1);
  storm(limits.stormConnections - 1);
  clock.advance(10 * quiet);
  expect(collections()).toBe(1);
  storm(1);
  clock.advance(quiet);
  expect(collections()).toBe(2);
});

test('LM1 a server that stops collects no more', () => {
  const { clock, collecting, storm, collections } = silentServer();
  storm(limits.stormConnections);
  collecting.stop();
  storm(1);
  clock.advance(10 * quiet);
  expect(collections()).toBe(0);
  expect(clock.nextDue()).toBeUndefined();
});
