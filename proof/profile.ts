import type { MarkStore, Marks, Offer, Timers } from '../client/ports.ts';
import { createReceiver, type Receiver } from '../client/receiver.ts';
import { createUpstream } from '../client/upstream.ts';
import { isSubchannelQueue, slotOf, subchannelOf } from '../protocol/slot.ts';
import type { ClientFrame } from '../protocol/wire.ts';
import type { Acknowledgement } from '../server/core/devices.ts';
import type { Outbox } from '../server/core/outbox.ts';
import type { Recipient } from '../server/core/recipient.ts';
import type { Kept } from '../server/core/store.ts';
import type { Promises } from './model.ts';

/** How the app's handler ends: well, badly, or not until it is told to. */
export type Mood = 'good' | 'failing' | 'hanging';

interface HungRun {
  readonly end: (well: boolean) => void;
}

/**
 * A browser profile with the app: the client's own receiver, whose marks outlive the browser, on a connection that stalls and
 * breaks when it is told to. It tells the model what its handler saw.
 */
export class Profile {
  readonly name: string;
  mood: Mood = 'good';
  /** What this device says outside of a connection reaches the service; else it is lost. */
  reachable = true;
  /** Hands a word over HTTP to the service that stands now. */
  acknowledge: (said: Acknowledgement) => Promise<void> = async () => {};
  readonly #promises: Promises;
  readonly #timers: Timers;
  readonly #slots = new Map<number, string>();
  #marks: Marks = {};
  #receiver: Receiver;
  #outbox: Outbox | undefined;
  #stalled = false;
  #hung: HungRun[] = [];
  /** Rises when the browser is killed: what an earlier one still does counts no more. */
  #life = 0;
  /** Rises with everything that happens here, so that one can wait until nothing does. */
  happened = 0;
  /** Words said on a connection that the service has not dealt with: a confirm may wait there for a commit to join. */
  unheard = 0;

  constructor(name: string, promises: Promises, timers: Timers) {
    this.name = name;
    this.#promises = promises;
    this.#timers = timers;
    this.#receiver = this.#start();
  }

  get connected(): boolean {
    return this.#outbox !== undefined;
  }

  /** True when everything that it is owed must have run by now. */
  get owedAll(): boolean {
    return (
      this.connected &&
      !this.#promises.isPaused(this.name) &&
      !this.#stalled &&
      this.mood === 'good' &&
      this.#hung.length === 0
    );
  }

  /** Connects by `open`, which hands the recipient to the core. */
  connect(open: (recipient: Recipient) => Outbox): void {
    this.disconnect();
    let mine: Outbox | undefined;
    const isMine = () => mine === undefined || mine === this.#outbox;
    mine = open({
      offer: (kept) => {
        if (!isMine()) return 'gone';
        if (this.#stalled) return 'full';
        this.#offer(kept);
        return 'taken';
      },
      caughtUp: () => {
        this.happened++;
        if (isMine()) this.#promises.live(this.name);
      },
      end: () => {
        if (isMine()) this.disconnect();
      },
    });
    this.#outbox = mine;
    this.happened++;
  }

  /** Answers the outbox of the connection that broke, for the core to be told. */
  disconnect(): Outbox | undefined {
    const outbox = this.#outbox;
    this.#outbox = undefined;
    this.#promises.away(this.name);
    this.happened++;
    return outbox;
  }

  /** Reads nothing more until it does again. */
  stall(stalled: boolean): void {
    this.#stalled = stalled;
    if (!stalled) this.#outbox?.drained();
  }

  setMood(mood: Mood): void {
    this.mood = mood;
    if (mood === 'hanging') return;
    for (const { end } of this.#hung.splice(0)) end(mood === 'good');
  }

  /** The browser is killed: runs under way end nowhere; the marks are on its disk. */
  kill(): Outbox | undefined {
    this.#life++;
    this.#hung = [];
    this.#receiver = this.#start();
    return this.disconnect();
  }

  #offer(kept: Kept): void {
    const { version, payload, slot } = kept;
    this.happened++;
    this.#slots.set(version, String(slot));
    this.#promises.offered(this.name, String(slot), version);
    // A frame crosses a network: the receiver has it a turn later.
    const receiver = this.#receiver;
    const collapse = isSubchannelQueue(slot) ? false : undefined;
    queueMicrotask(
      () => void receiver.offer({ version, payload, subchannelId: subchannelOf(slot), collapse }),
    );
  }

  #start(): Receiver {
    const life = this.#life;
    const alive = () => life === this.#life;
    return createReceiver({
      marks: this.#markStore(alive),
      handlers: { any: () => true, run: (offer) => this.#run(offer, alive) },
      upstream: createUpstream(
        (frame) => alive() && this.#send(frame),
        (said) => {
          if (alive() && this.reachable) void this.acknowledge(said as Acknowledgement).catch(() => {});
        },
      ),
      timers: this.#timers,
      awake: () => () => {},
      complain: () => {},
    });
  }

  #markStore(alive: () => boolean): MarkStore {
    return {
      load: async () => this.#marks,
      save: async (marks) => {
        if (!alive()) return;
        const before = this.#marks;
        this.#marks = { ...marks };
        for (const [place, mark] of Object.entries(marks)) {
          const known = [before[place] ?? []].flat();
          for (const version of [mark].flat())
            if (!known.includes(version))
              this.#promises.recorded(this.name, place.replace('q', 'q:'), version);
        }
        this.happened++;
      },
    };
  }

  async #run({ version, subchannelId, collapse }: Offer, alive: () => boolean): Promise<void> {
    if (!alive()) return;
    this.happened++;
    this.#promises.runBegan(this.name, String(slotOf(subchannelId, collapse !== false)), version);
    const well =
      this.mood === 'hanging'
        ? await new Promise<boolean>((end) => this.#hung.push({ end }))
        : this.mood === 'good';
    this.happened++;
    if (!well) throw new Error('the handler failed');
  }

  #send(frame: ClientFrame): boolean {
    this.happened++;
    if (frame.type === 'refuse' && frame.kind === 'failed')
      this.#promises.runFailed(this.name, this.#slots.get(frame.version) ?? '', frame.version);
    const outbox = this.#outbox;
    if (outbox === undefined) return false;
    this.#tell(outbox, frame).catch(() => {});
    return true;
  }

  async #tell(outbox: Outbox, frame: ClientFrame): Promise<void> {
    this.unheard++;
    try {
      if (frame.type === 'taken') await outbox.taken(frame.version);
      if (frame.type === 'confirm') await outbox.confirm(frame.version);
      if (frame.type === 'refuse') await outbox.refuse(frame.version, frame.kind, frame.reason);
    } finally {
      this.unheard--;
      this.happened++;
    }
  }
}
