import type { DeviceKey, EndedListener, EndedMessage, Ending } from '../core/store.ts';

export type EndingOf = { readonly ending: Ending; readonly at: number };

/** How a message ended on its devices; each ending is told as it is set. */
class ToldEndings extends Map<DeviceKey, EndingOf> {
  readonly #listeners: readonly EndedListener[];
  readonly #about: Omit<EndedMessage, 'ending'>;

  constructor(about: Omit<EndedMessage, 'ending'>, listeners: readonly EndedListener[]) {
    super();
    this.#about = about;
    this.#listeners = listeners;
  }

  override set(device: DeviceKey, ended: EndingOf): this {
    for (const tell of this.#listeners) tell([{ ...this.#about, ending: ended.ending }]);
    return super.set(device, ended);
  }
}

interface Way {
  readonly endings: Map<DeviceKey, EndingOf>;
  readonly failedRuns: Map<DeviceKey, number>;
  readonly sentAt: Map<DeviceKey, number>;
  readonly receivedAt: Map<DeviceKey, number>;
}

/** The way of a message that was just kept. */
export function wayOf(about: Omit<EndedMessage, 'ending'>, listeners: readonly EndedListener[]): Way {
  const endings = new ToldEndings(about, listeners);
  return { endings, failedRuns: new Map(), sentAt: new Map(), receivedAt: new Map() };
}
