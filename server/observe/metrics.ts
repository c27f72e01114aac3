import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Events } from './events.ts';

/** Upper bounds in seconds: from a sync of a fast disk to one that is in trouble. */
const ACCEPT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
/** From a connected device to one that was away for the 28 days that a message waits. */
const CONFIRM_SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 30, 300, 3_600, 86_400, 604_800, 2_419_200];

/** Part of the events: what is counted. */
type Counted = Omit<Events, 'listening' | 'stopped' | 'turnedAway' | 'overloaded'>;

/**
 * Figures for Prometheus, counted from the events. No label has an open set of values: neither accounts nor projects, apps,
 * devices or addresses are named here, so the page tells nobody's business and cannot grow.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #accepting: Histogram;
  readonly #now: () => number;
  #refresh = async (): Promise<void> => {};
  readonly events: Counted;

  /** @param now milliseconds since 1970, of the clock that gives the versions */
  constructor(now: () => number) {
    const registers = [this.#registry];
    this.#accepting = new Histogram({
      name: 'reveille_accept_seconds',
      help: 'From the request of a sender to its answer that the message is kept.',
      buckets: ACCEPT_SECONDS,
      registers,
    });
    this.#now = now;
    this.events = countedEvents(registers, now);
    processFigures(registers);
  }

  /** Notes that an accepted message took `seconds` at its door. */
  tookToAccept(seconds: number): void {
    this.#accepting.observe(seconds);
  }

  /** Adds what waits for webhooks. @param read how much waits, and since when, in milliseconds since 1970; asked with each page. */
  watchWebhooks(read: () => Promise<{ readonly waiting: number; readonly since: number | undefined }>): void {
    const registers = [this.#registry];
    const oldest = new Gauge({
      name: 'reveille_webhook_oldest_seconds',
      help: 'For how long the oldest of the events that wait for webhooks has waited; 0 = none waits.',
      registers,
    });
    const events = new Gauge({
      name: 'reveille_webhook_waiting',
      help: 'Events that wait to be told to webhooks, those to be tried again included.',
      registers,
    });
    this.#refresh = async () => {
      // A database that does not answer must not take the other figures along.
      const { waiting, since } = await read().catch(() => ({ waiting: Number.NaN, since: Number.NaN }));
      events.set(waiting);
      oldest.set(since === undefined ? 0 : Math.max(0, this.#now() - since) / 1_000);
    };
  }

  /** All figures in the text format of Prometheus, and its content type. */
  async page(): Promise<{ readonly text: string; readonly type: string }> {
    await this.#refresh();
    return { text: await this.#registry.metrics(), type: this.#registry.contentType };
  }
}

/** A counter of what happens with every message: it counts by itself, and the library learns of it when somebody looks. */
class Often {
  #since = 0;

  constructor(name: string, help: string, registers: Registry[]) {
    const take = () => {
      const since = this.#since;
      this.#since = 0;
      return since;
    };
    new Counter({
      name: `reveille_${name}_total`,
      help,
      registers,
      collect() {
        this.inc(take());
      },
    });
  }

  inc(times = 1): void {
    this.#since += times;
  }
}

function countedEvents(registers: Registry[], now: () => number): Counted {
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name: `reveille_${name}_total`, help, labelNames, registers });
  const often = (name: string, help: string) => new Often(name, help, registers);
  const accepted = often('accepted', 'Messages kept and answered.');
  const offered = often('offered', 'Offers of a message to a connected device, repeats included.');
  const confirmed = often('confirmed', 'Confirms of devices that their handler ended well.');
  const failedRuns = counter('failed_runs', 'Runs of handlers that ended badly.');
  const answered = counter('browser_answers', 'What browsers said of a push.', 'answer');
  const woken = counter('wakeups', 'Wake-ups of devices without a running app.', 'outcome');
  const connects = counter('connects', 'Connections of devices and browsers.', 'gateway');
  const unsubscribed = counter('unsubscribed', 'Subscriptions that a browser ended.', 'gateway');
  const refused = counter('refused', 'Requests answered with an error.', 'door', 'code');
  const failed = counter('failures', 'What went wrong on our side; the log has each.');
  const called = counter('webhook_calls', 'Calls of webhooks: the event was taken, or was not.', 'outcome');
  const pruned = counter('pruned', 'Messages removed after they had ended.');
  const connected = new Gauge({
    name: 'reveille_connected',
    help: 'Devices and browsers that are connected now.',
    labelNames: ['gateway'],
    registers,
  });
  const confirming = new Histogram({
    name: 'reveille_confirm_seconds',
    help: 'From the keeping of a message to the confirm of a device.',
    buckets: CONFIRM_SECONDS,
    registers,
  });
  return {
    refused: (door, code) => refused.inc({ door, code }),
    failed: () => failed.inc(),
    accepted: () => accepted.inc(),
    offered: (_version, devices) => offered.inc(devices.length),
    confirmed(version) {
      confirmed.inc();
      // A version is the microseconds of the clock at the keeping (OR2), or a little more.
      confirming.observe(Math.max(0, now() / 1_000 - version / 1_000_000));
    },
    runFailed: () => failedRuns.inc(),
    woken: (_version, _device, outcome) => woken.inc({ outcome }),
    connected(_device, gateway) {
      connects.inc({ gateway });
      connected.inc({ gateway });
    },
    disconnected: (_device, gateway) => connected.dec({ gateway }),
    answered: (_version, _device, answer) => answered.inc({ answer }),
    unsubscribed: (_holder, gateway) => unsubscribed.inc({ gateway }),
    webhookCalled: (_webhook, outcome) => called.inc({ outcome }),
    pruned: (messages) => pruned.inc(messages),
  };
}

/** What Prometheus expects of any process. The library's own set asks for parts of Node that Bun only imitates. */
function processFigures(registers: Registry[]): void {
  const figure = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  figure('process_resident_memory_bytes', 'Memory in use.', () => process.memoryUsage.rss());
  figure(
    'process_heap_bytes',
    'Memory of objects, with those not yet collected.',
    () => process.memoryUsage().heapUsed,
  );
  figure('process_cpu_seconds_total', 'Time on the processor since the start.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  });
  const startedAt = Date.now() / 1_000 - process.uptime();
  figure('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => startedAt);
}
