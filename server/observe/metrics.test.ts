import { expect, test } from 'bun:test';
import { Metrics } from './metrics.ts';

test('OB1 a message that went to several devices in one go counts as so many offers', async () => {
  const metrics = new Metrics(() => 0);
  metrics.events.offered(1, ['laptop', 'phone']);
  metrics.events.offered(1, ['tablet']);
  expect((await metrics.page()).text).toContain('reveille_offered_total 3\n');
});
