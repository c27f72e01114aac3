import type { Version } from '../../../protocol/version.ts';
import type { Ending, MessageTrace } from '../../core/store.ts';
import type { ResourceNames } from './resource-names.ts';

/** How a push stands, in the words of its sender. */
export type PushState = 'waiting' | 'delivered' | 'replaced' | 'expired' | 'withdrawn' | 'failed';

const states: Readonly<Record<Ending, PushState>> = {
  confirmed: 'delivered',
  superseded: 'replaced',
  expired: 'expired',
  withdrawn: 'withdrawn',
  failed: 'failed',
};

/** What is told of one push. */
export interface PushStatus {
  readonly message: string;
  readonly state: PushState;
  readonly acceptedAt: string;
  readonly expiresAt: string;
  /** null while it waits. */
  readonly endedAt: string | null;
}

/** A push that has ended, as receipts tell it: 204 = the browser has it, 410 = it will not get it (RFC 8030 section 6.3). */
export interface Receipt {
  readonly message: string;
  readonly status: 204 | 410;
  readonly state: PushState;
  readonly at: string;
}

/** The addresses of messages and receipts, and how they tell what became of a push. */
export class Resources {
  readonly names: ResourceNames;
  readonly #origin: string;

  constructor(origin: string, names: ResourceNames) {
    this.#origin = origin;
    this.names = names;
  }

  messageUrl(version: Version): string {
    return `${this.#origin}/m/${this.names.ofMessage(version)}`;
  }

  receiptsUrl(id: string): string {
    return `${this.#origin}/receipts/${this.names.ofReceipts(id)}`;
  }

  status(trace: MessageTrace): PushStatus {
    // A push has one device; one that left without an ending of its own took its messages along.
    const [device] = trace.devices;
    const ended = device?.state === 'waiting' ? null : (device?.state ?? 'withdrawn');
    return {
      message: this.messageUrl(trace.version),
      state: ended === null ? 'waiting' : states[ended],
      acceptedAt: new Date(trace.acceptedAt).toISOString(),
      expiresAt: new Date(trace.expiresAt).toISOString(),
      endedAt: ended === null ? null : new Date(device?.at ?? trace.acceptedAt).toISOString(),
    };
  }

  /** The receipt of a push; undefined while it waits. */
  receipt(trace: MessageTrace): Receipt | undefined {
    const { message, state, endedAt } = this.status(trace);
    if (endedAt === null) return undefined;
    return { message, status: state === 'delivered' ? 204 : 410, state, at: endedAt };
  }
}
