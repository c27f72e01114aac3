import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualTimers, settle } from '../manual-timers.ts';
import { answerSignIn, createSignInWindow } from './sign-in-window.ts';

/** A page that signs in, with a window that the test closes and a channel on which the test speaks. */
function page() {
  const timers = new ManualTimers();
  const channel = new EventTarget();
  const world = { opens: true, urls: [] as string[] };
  const opened = {
    closed: false,
    close() {
      this.closed = true;
    },
  };
  const launch = createSignInWindow({
    open: (url) => {
      world.urls.push(url);
      return world.opens ? opened : null;
    },
    broadcast: channel as unknown as BroadcastChannel,
    timers,
  });
  const says = (data: string) => channel.dispatchEvent(new MessageEvent('message', { data }));
  return { launch, timers, world, opened, says };
}

const answer = 'https://app.example/push.html?state=s&code=4/c';

test('WA2 the window is opened for a click, its answer comes from the page that it ended at, and it is closed', async () => {
  const { launch, timers, world, opened, says } = page();
  const launched = launch('https://push.example/o/oauth2/auth', true);
  await timers.pass(60_000);
  says(answer);
  assert.equal(await launched, answer);
  assert.deepEqual([world.urls, opened.closed], [['https://push.example/o/oauth2/auth'], true]);
  await timers.pass(1_000);
  assert.equal(timers.pending, 0);
});

test('WA2 without a click no window is opened', async () => {
  const { launch, world } = page();
  await assert.rejects(launch('https://push.example/', false), /interaction required/);
  assert.deepEqual(world.urls, []);
});

test('WA2 a browser that opens no window is told what to do', async () => {
  const { launch, world } = page();
  world.opens = false;
  await assert.rejects(
    launch('https://push.example/', true),
    /opened no window: call getChannelId\(true\) when/,
  );
});

test('WA2 a window that its user closes ends the flow, but not before its answer had the time to come', async () => {
  const closed = page();
  const refused = assert.rejects(closed.launch('https://push.example/', true), /did not approve/);
  await closed.timers.pass(400);
  closed.opened.close();
  await closed.timers.pass(1_100);
  await refused;

  const late = page();
  const launched = late.launch('https://push.example/', true);
  late.opened.close();
  await late.timers.pass(900);
  late.says(answer);
  assert.equal(await launched, answer);
  await late.timers.pass(1_000);
  assert.equal(late.timers.pending, 0);
});

test('WA2 only the page that a flow ended at tells, and it tells its whole address', async () => {
  const told: unknown[] = [];
  const channel = { postMessage: (message: unknown) => told.push(message) };
  const refusal = 'https://app.example/?error=access_denied&state=s';
  assert.deepEqual(
    [answer, refusal].map((address) => answerSignIn(address, channel)),
    [true, true],
  );
  assert.deepEqual(told, [answer, refusal]);
  for (const address of [
    'https://app.example/',
    'https://app.example/?code=c',
    'https://app.example/?state=s',
  ])
    assert.equal(answerSignIn(address, channel), false);
  await settle();
  assert.equal(told.length, 2);
});
