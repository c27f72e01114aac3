import type { Logger } from 'pino';

/**
 * Everything that happens and that someone may want to know: one method per thing that happened.
 * The log and the figures (metrics.ts) hang off it. The rooms call it and know no logger. No secret is ever passed in.
 */
export interface Events {
  listening(origin: string): void;
  stopped(): void;
  /** A request was answered with an error. `status` 5xx are ours to mend. */
  refused(door: string, code: string, detail: string | undefined, address: string): void;
  /** Senders or connections are refused, for want of room for writes or of memory; told at most every limits.overloadedToldMs. */
  overloaded(scarce: 'writes' | 'memory'): void;
  /** Something threw that we did not foresee. */
  failed(where: string, error: unknown): void;
  /** `app` is empty for a push subscription. */
  accepted(version: number, project: string, app: string): void;
  /** A message of a project was refused; `app` is empty where it is not known to be one of the sender's. */
  turnedAway(project: string, app: string, code: string): void;
  /** A message went out over the connections of these devices: of all that it was handed to in one go. */
  offered(version: number, devices: readonly string[]): void;
  confirmed(version: number, device: string): void;
  runFailed(version: number, device: string, failedRuns: number, reason: string): void;
  /** A device without a running app was woken for a message, or could not be. */
  woken(version: number, device: string, outcome: 'sent' | 'gone' | 'later'): void;
  connected(device: string, gateway: string): void;
  disconnected(device: string, gateway: string, reason: string): void;
  /** A browser said what became of a push: delivered, or why not, or how its handler ended badly. */
  answered(version: number, device: string, answer: string): void;
  /** A browser ended a subscription: a page did, or its quota was spent, or the permission taken back. */
  unsubscribed(holder: string, gateway: string, reason: string): void;
  /** A webhook was called: it took the event, or did not. */
  webhookCalled(webhook: string, outcome: 'delivered' | 'failed' | 'gone', answer: string): void;
  pruned(messages: number): void;
}

/** Events written to a structured log. */
export function loggedEvents(log: Logger): Events {
  return {
    listening: (origin) => log.info({ origin }, 'listening'),
    stopped: () => log.info('stopped'),
    refused: (door, code, detail, address) => {
      // Those are told of together: a line for each would be one more burden.
      const level = code === 'overloaded' ? 'debug' : 'info';
      log[level]({ door, code, detail, address }, 'refused');
    },
    overloaded: (scarce) => log.warn({ scarce }, 'overloaded'),
    failed: (where, error) => log.error({ where, err: error }, 'failed'),
    accepted: (version, project, app) => log.debug({ version, project, app }, 'accepted'),
    turnedAway: (project, app, code) => log.debug({ project, app, code }, 'turned away'),
    offered: (version, devices) => {
      for (const device of devices) log.debug({ version, device }, 'offered');
    },
    confirmed: (version, device) => log.debug({ version, device }, 'confirmed'),
    runFailed: (version, device, failedRuns, reason) =>
      log.info({ version, device, failedRuns, reason }, 'run failed'),
    woken: (version, device, outcome) => log.debug({ version, device, outcome }, 'woken'),
    connected: (device, gateway) => log.debug({ device, gateway }, 'connected'),
    disconnected: (device, gateway, reason) => log.debug({ device, gateway, reason }, 'disconnected'),
    answered: (version, device, answer) => log.debug({ version, device, answer }, 'answered'),
    unsubscribed: (holder, gateway, reason) => log.debug({ holder, gateway, reason }, 'unsubscribed'),
    webhookCalled: (webhook, outcome, answer) => log.debug({ webhook, outcome, answer }, 'webhook called'),
    pruned: (messages) => log.debug({ messages }, 'pruned'),
  };
}

/** Tells `first` everything, and `second` what it cares for. */
export function toldTwice(first: Events, second: Partial<Events>): Events {
  const told: Record<string, (one: never, two: never, three: never, four: never) => void> = {};
  for (const [name, tell] of Object.entries(first)) {
    const also = (second as typeof told)[name];
    told[name] =
      also === undefined
        ? tell
        : (one, two, three, four) => {
            tell(one, two, three, four);
            also(one, two, three, four);
          };
  }
  return told as unknown as Events;
}

/** Events that go nowhere: for tests of parts that must not depend on them. */
export const silentEvents: Events = {
  listening() {},
  stopped() {},
  refused() {},
  overloaded() {},
  failed() {},
  accepted() {},
  turnedAway() {},
  offered() {},
  confirmed() {},
  runFailed() {},
  woken() {},
  connected() {},
  disconnected() {},
  answered() {},
  unsubscribed() {},
  webhookCalled() {},
  pruned() {},
};
