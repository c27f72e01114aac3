import { expect, test } from 'bun:test';
import { Town } from '../dev-env/town.ts';
import { townDevice } from '../dev-env/town-device.ts';

const ROUNDS = 20;
const SUBCHANNELS = 4;
const SENDERS = 8;
/** A kill comes this long after a round began: at random moments of full load. */
const KILL_AFTER_MS = { least: 40, spread: 160 };

/** Versions that were answered 204, newest per subchannel, over all rounds. */
class Accepted {
  readonly newest: number[] = Array.from({ length: SUBCHANNELS }, () => 0);
  total = 0;

  note(subchannel: number, version: number): void {
    this.total++;
    this.newest[subchannel] = Math.max(this.newest[subchannel] ?? 0, version);
  }
}

/** Newest version that each subchannel's handler saw on one device. */
class Handled {
  readonly newest: number[] = Array.from({ length: SUBCHANNELS }, () => 0);
  #onProgress: () => void = () => {};

  note(subchannel: number, version: number): void {
    // OR1: versions rise.
    if (version <= (this.newest[subchannel] ?? 0))
      throw new Error(`subchannel ${subchannel} went back to ${version}`);
    this.newest[subchannel] = version;
    this.#onProgress();
  }

  /** Settles when every subchannel has reached what was accepted. */
  reach(accepted: Accepted): Promise<void> {
    const reached = () =>
      accepted.newest.every((version, subchannel) => (this.newest[subchannel] ?? 0) >= version);
    return new Promise((resolve) => {
      this.#onProgress = () => reached() && resolve();
      this.#onProgress();
    });
  }
}

/** Sends at full speed until the server is gone. */
async function sendUntilKilled(town: Town, token: string, accepted: Accepted): Promise<void> {
  for (let i = 0; ; i++) {
    const subchannelId = i % SUBCHANNELS;
    try {
      const message = { channelId: town.seed.channel_id, subchannelId, payload: `message ${i}` };
      const answer = await town.send(token, message);
      if (answer.status !== 204) throw new Error(`refused: ${answer.status} ${await answer.text()}`);
      accepted.note(subchannelId, Number(answer.headers.get('Reveille-Message')));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('refused')) throw error;
      return;
    }
  }
}

test('NL1 twenty rounds of load with kill -9: what was answered 204 is delivered or superseded by a newer one', async () => {
  await using town = await Town.start({ dailyQuota: 0 });
  const accepted = new Accepted();
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
    const load = Array.from({ length: SENDERS }, () => sendUntilKilled(town, token, accepted));
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
