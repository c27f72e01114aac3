import { expect, test } from 'bun:test';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';
import { Newest, sendMessagesUntilKilled } from './message-load.ts';

const ROUNDS = 20;
const SENDERS = 8;
/** A kill comes this long after a round began: at random moments of full load. */
const KILL_AFTER_MS = { least: 40, spread: 160 };

/** What one device's handler saw. */
class Handled extends Newest {
  override note(subchannel: number, version: number): void {
    // OR1: versions rise.
    if (version <= this.of(subchannel)) throw new Error(`subchannel ${subchannel} went back to ${version}`);
    super.note(subchannel, version);
  }
}

test('NL1 twenty rounds of load with kill -9: what was answered 204 is delivered or superseded by a newer one', async () => {
  await using town = await Town.start({ dailyQuota: 0 });
  const accepted = new Newest();
  const inboxes = [new Handled(), new Handled()];
  const devices = inboxes.map((inbox, number) =>
    townDevice(town, {
      name: `device ${number}`,
      onMessage: ({ subchannelId, version }) => inbox.note(subchannelId, version),
    }),
  );
  await Promise.all(devices.map((device) => device.connect()));
  const token = await town.accessToken();
  for (let round = 0; round < ROUNDS; round++) {
    const load = Array.from({ length: SENDERS }, () => sendMessagesUntilKilled(town, token, accepted));
    await Bun.sleep(KILL_AFTER_MS.least + Math.random() * KILL_AFTER_MS.spread);
    await town.kill9();
    await Promise.all(load);
    await town.startAgain();
  }
  await Promise.all(inboxes.map((inbox) => inbox.reach(accepted)));
  for (const device of devices) device.close();
  console.log(`accepted ${accepted.total}, lost 0, in ${ROUNDS} rounds of kill -9`);
  expect(accepted.total).toBeGreaterThan(ROUNDS);
}, 170_000);
