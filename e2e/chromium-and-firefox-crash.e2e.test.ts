import { expect, test } from 'bun:test';
import { createECDH, randomBytes } from 'node:crypto';
import { Town } from '../dev-env/town.ts';
import { Newest, sendMessagesUntilKilled } from './message-load.ts';
import { ReturningAutopush, type ReturningClient, ReturningMcs } from './returning-clients.ts';
import { WokenApp } from './woken-app.ts';

const ROUNDS = 20;
/** Apps that are woken by the channel's messages. */
const APPS = 2;
/** For each client, and of messages. */
const SENDERS = 4;
/** A kill comes this long after a round began: at random moments of full load. */
const KILL_AFTER_MS = { least: 40, spread: 160 };

const point = createECDH('prime256v1').generateKeys();

/** A body with the head of RFC 8188 that a server checks, and random bytes that no two share. */
function encryptedBody(): Uint8Array<ArrayBuffer> {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(4_096);
  return new Uint8Array(
    Buffer.concat([randomBytes(16), size, Buffer.from([point.length]), point, randomBytes(40)]),
  );
}

/** Sends at full speed until the server is gone; notes what was answered 201. */
async function sendUntilKilled(endpoint: string, accepted: Set<string>): Promise<void> {
  for (;;) {
    const body = encryptedBody();
    let status: number;
    try {
      const headers = { TTL: '600', 'Content-Encoding': 'aes128gcm' };
      ({ status } = await fetch(endpoint, { method: 'POST', headers, body }));
    } catch {
      return;
    }
    if (status === 201) accepted.add(Buffer.from(body).toString('base64url'));
    // A full queue is told so; nothing was accepted then.
    else if (status !== 429) throw new Error(`refused: ${status}`);
  }
}

/** A client, and the bodies that it has to get. */
class Owed {
  readonly accepted = new Set<string>();
  readonly client: ReturningClient;

  constructor(client: ReturningClient) {
    this.client = client;
  }

  get lost(): number {
    return [...this.accepted].filter((body) => !this.client.got.has(body)).length;
  }

  get twice(): number {
    return [...this.client.got.values()].filter((times) => times > 1).length;
  }

  /** Settles when all has come. */
  paid(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => this.lost === 0 && resolve();
      this.client.onPush = look;
      look();
    });
  }
}

test('FX10 MC14 WK25 twenty rounds of load with kill -9: what was answered 201 or 204 reaches its MCS or autopush client, and apps woken over MCS', async () => {
  await using town = await Town.start({ dailyQuota: 0, mcs: true });
  const mcs = new Owed(new ReturningMcs(town));
  const autopush = new Owed(new ReturningAutopush(town));
  const all = [mcs, autopush];
  const accepted = new Newest();
  const apps = await Promise.all(Array.from({ length: APPS }, (_, n) => WokenApp.start(town, `app ${n}`)));
  const token = await town.accessToken();
  for (let round = 0; round < ROUNDS; round++) {
    const load = all.map(async ({ client, accepted }) => {
      const endpoint = await client.endpoint;
      await Promise.all(Array.from({ length: SENDERS }, () => sendUntilKilled(endpoint, accepted)));
    });
    const messages = Array.from({ length: SENDERS }, () => sendMessagesUntilKilled(town, token, accepted));
    await Promise.all(all.map(({ client }) => client.endpoint));
    await Bun.sleep(KILL_AFTER_MS.least + Math.random() * KILL_AFTER_MS.spread);
    await town.kill9();
    await Promise.all([...load, ...messages]);
    await town.startAgain();
  }
  await Promise.all([...all.map((one) => one.paid()), ...apps.map(({ handled }) => handled.reach(accepted))]);
  for (const [name, { accepted, client, lost, twice }] of Object.entries({ mcs, autopush })) {
    client.close();
    console.log(
      `${name}: accepted ${accepted.size}, lost ${lost}, twice ${twice}, in ${ROUNDS} rounds of kill -9`,
    );
    expect(accepted.size).toBeGreaterThan(ROUNDS);
  }
  for (const app of apps) app.close();
  const runs = apps.map(({ handled }) => handled.total).join(' and ');
  console.log(`woken apps: accepted ${accepted.total}, lost 0, in ${runs} runs`);
  expect(accepted.total).toBeGreaterThan(ROUNDS);
  // A Chromium lists at its login what it has; a Firefox removes what comes twice by its id.
  expect(mcs.twice).toBe(0);
}, 170_000);
