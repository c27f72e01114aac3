import type { PushManagerPart } from '../push-transport.ts';
import type { KeyValue } from '../storage.ts';
import { askPath, type Told, toldFields, toldPath, upPath } from './paths.ts';

/** The part of a request of `chrome.webRequest` that is used. `originUrl` is Firefox's: who made it. */
export interface SeenRequest {
  readonly url: string;
  readonly originUrl?: string;
  readonly tabId: number;
  readonly requestBody?: { readonly formData?: Readonly<Record<string, readonly string[]>> } | null;
}

export interface WakeSitePorts {
  /** Origin of the service, whose worker is pushed to in place of the extension. */
  readonly origin: string;
  readonly storage: KeyValue;
  /** `chrome.webRequest.onBeforeRequest.addListener`: its listener starts a background page that was stopped. */
  readonly watch: (listener: (request: SeenRequest) => void, urls: readonly string[]) => void;
  readonly openTab: (url: string) => unknown;
  readonly closeTab: (tabId: number) => unknown;
  /** Something waits at the service. */
  readonly woken: () => void;
  /** There is a subscription, the first or another. */
  readonly subscribed: () => void;
}

/** The subscription of the service's own worker, which wakes the extensions of a Firefox by a request that they see. */
export interface WakeSite {
  /** Settles once there is a subscription; the manager answers it and makes none. */
  manager(): Promise<PushManagerPart>;
  /** Opens the page that asks the user, unless there is a subscription. */
  ask(): Promise<void>;
}

export const siteKey = 'reveille.wake-site';

/** Must be called in the first turn of the background page: Firefox starts it for listeners that were added in it. */
export function createWakeSite(ports: WakeSitePorts): WakeSite {
  const { origin, storage } = ports;
  const { protocol, hostname } = new URL(origin);
  let arrived = (): void => {};
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const kept = async () => (await storage.get(siteKey)) as Told | undefined;

  ports.watch(
    ({ url, originUrl, tabId, requestBody }) => {
      const asked = new URL(url);
      const from = URL.parse(`${originUrl}`);
      // Any page can request these addresses; only the service's own may say where this profile is pushed to.
      if (asked.origin !== origin || from?.origin !== origin) return;
      if (asked.pathname === upPath) ports.woken();
      if (asked.pathname !== toldPath) return;
      const said = toldFields.map((name) => [name, requestBody?.formData?.[name]?.[0]]);
      void storage.set(siteKey, Object.fromEntries(said)).then(() => {
        arrived();
        ports.subscribed();
        if (from.search) ports.closeTab(tabId);
      });
    },
    // A pattern has no port.
    [`${protocol}//${hostname}/wake/*`],
  );

  return {
    async manager() {
      if ((await kept()) === undefined) await first;
      const current = async () => asSubscription((await kept()) as Told);
      return { getSubscription: current, subscribe: current };
    },
    async ask() {
      if ((await kept()) === undefined) ports.openTab(origin + askPath);
    },
  };
}

/** Other extensions live by the same subscription: it is not ended here. */
const asSubscription = ({ endpoint, ...keys }: Told) => ({
  toJSON: () => ({ endpoint, keys: { ...keys } }),
  unsubscribe: async () => true,
});
