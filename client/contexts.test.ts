import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Version } from '../protocol/version.ts';
import { type Broadcast, createContexts } from './contexts.ts';
import { createListeners } from './listeners.ts';
import { settle } from './manual-timers.ts';

const offer = { version: 1 as Version, subchannelId: 0, payload: 'hi' };

/** The locks of one profile: exclusive, in the order of asking. A context that dies gives its own back. */
class Locks {
  readonly #queues = new Map<string, { owner: string; grant: () => void }[]>();

  of(owner: string): Pick<LockManager, 'request' | 'query'> {
    const request = (name: string, ...rest: unknown[]): Promise<unknown> => {
      const run = rest.at(-1) as (lock: object | null) => unknown;
      const { signal, ifAvailable } = (rest.length > 1 ? rest[0] : {}) as {
        signal?: AbortSignal;
        ifAvailable?: boolean;
      };
      if (ifAvailable === true && (this.#queues.get(name) ?? []).length > 0)
        return Promise.resolve(run(null));
      return new Promise((resolve, reject) => {
        const entry = { owner, grant: () => void Promise.resolve(run({})).then(done, reject) };
        const done = (value: unknown): void => {
          this.#leave(name, entry);
          resolve(value);
        };
        const queue = this.#queues.get(name) ?? [];
        this.#queues.set(name, [...queue, entry]);
        signal?.addEventListener('abort', () => {
          this.#leave(name, entry);
          reject(signal.reason);
        });
        if (queue.length === 0) queueMicrotask(entry.grant);
      });
    };
    const query = async () => ({
      held: [...this.#queues].filter(([, queue]) => queue.length > 0).map(([name]) => ({ name })),
    });
    return { request, query } as Pick<LockManager, 'request' | 'query'>;
  }

  kill(owner: string): void {
    for (const [name, queue] of this.#queues) {
      for (const entry of queue.filter((one) => one.owner === owner)) this.#leave(name, entry);
    }
  }

  #leave(name: string, entry: { grant: () => void }): void {
    const queue = this.#queues.get(name) ?? [];
    const rest = queue.filter((one) => one !== entry);
    this.#queues.set(name, rest);
    if (queue[0] === entry && rest[0] !== undefined) queueMicrotask(rest[0].grant);
  }
}

/** One profile, in which contexts come and go. */
function profile() {
  const locks = new Locks();
  const hearers: { owner: string; listener: (event: { data: never }) => void }[] = [];
  const context = (owner: string) => {
    const broadcast: Broadcast = {
      postMessage: (note) => {
        const data = structuredClone(note) as never;
        for (const one of hearers) if (one.owner !== owner) queueMicrotask(() => one.listener({ data }));
      },
      addEventListener: (_, listener, options) => {
        const hearer = { owner, listener };
        hearers.push(hearer);
        options?.signal.addEventListener('abort', () => hearers.splice(hearers.indexOf(hearer), 1));
      },
    };
    const heard: string[] = [];
    let holds = false;
    const listeners = createListeners(
      () => {},
      (count) => contexts.listens(count > 0),
    );
    const contexts = createContexts(
      locks.of(owner),
      broadcast,
      listeners,
      (what) => heard.push(what),
      () => {
        holds = true;
      },
      ({ payload }) => heard.push(payload),
    );
    return { contexts, event: listeners.event, heard, holds: () => holds };
  };
  return { locks, context };
}

test('CL25 only one context of a profile connects; when it dies the next one does', async () => {
  const { locks, context } = profile();
  const worker = context('worker');
  const page = context('page');
  worker.contexts.connect();
  page.contexts.connect();
  page.contexts.connect();
  await settle();
  assert.deepEqual([worker.holds(), page.holds()], [true, false]);
  locks.kill('worker');
  await settle();
  assert.equal(page.holds(), true);
});

test('CL25 a message runs the listeners of every context and has ended when all have', async () => {
  const { context } = profile();
  const worker = context('worker');
  const page = context('page');
  const got: string[] = [];
  worker.event.addListener(({ payload }) => void got.push(`worker ${payload}`));
  page.event.addListener(async ({ payload }) => {
    await settle();
    got.push(`page ${payload}`);
  });
  await settle();
  await worker.contexts.run(offer);
  assert.deepEqual(got, ['worker hi', 'page hi']);
});

test('CL25 a listener in a page alone counts as a listener, and the one that is connected hears of it', async () => {
  const { context } = profile();
  const worker = context('worker');
  const page = context('page');
  assert.equal(await worker.contexts.any(), false);
  const listener = (): void => {};
  page.event.addListener(listener);
  await settle();
  assert.equal(await worker.contexts.any(), true);
  assert.deepEqual(worker.heard, ['listening']);
  page.event.removeListener(listener);
  await settle();
  assert.equal(await worker.contexts.any(), false);
  page.event.addListener(listener);
  await settle();
  assert.equal(await worker.contexts.any(), true);
});

test('CL25 a listener that fails in a page fails the run', async () => {
  const { context } = profile();
  const worker = context('worker');
  const page = context('page');
  page.event.addListener(() => Promise.reject(new Error('full')));
  await settle();
  await assert.rejects(worker.contexts.run(offer), (error) => String(error).includes('full'));
});

test('CL25 a page that is closed in the middle of its run fails the run', async () => {
  const { locks, context } = profile();
  const worker = context('worker');
  const page = context('page');
  page.event.addListener(() => new Promise(() => {}));
  await settle();
  const run = worker.contexts.run(offer);
  await settle();
  locks.kill('page');
  await assert.rejects(run, (error) => String(error).includes('The page was closed.'));
});

test('CL25 flows of a profile go one at a time, and a registration is told to the other contexts', async () => {
  const { context } = profile();
  const worker = context('worker');
  const page = context('page');
  const order: string[] = [];
  let end = (): void => {};
  const first = page.contexts.alone(
    () =>
      new Promise<void>((resolve) => {
        order.push('page begins');
        end = resolve;
      }),
  );
  const second = worker.contexts.alone(async () => void order.push('worker begins'));
  await settle();
  assert.deepEqual(order, ['page begins']);
  end();
  await Promise.all([first, second]);
  assert.deepEqual(order, ['page begins', 'worker begins']);
  page.contexts.registered();
  await settle();
  assert.deepEqual([worker.heard, page.heard], [['registered'], []]);
});

test('PT6 a push that reaches the worker while a page is connected is given to the page', async () => {
  const { context } = profile();
  const page = context('page');
  page.contexts.connect();
  await settle();
  const worker = context('worker');
  assert.equal(await worker.contexts.pass(offer), false);
  await settle();
  assert.deepEqual([page.heard, worker.heard], [['hi'], []]);
  assert.equal(await page.contexts.pass(offer), true);
  assert.deepEqual(page.heard, ['hi', 'hi']);
});
