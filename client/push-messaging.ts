/// <reference types="chrome" />
import { backoff } from './backoff.ts';
import { missingPermissions, noApp, noPermission, noServer, readConfiguration } from './configuration.ts';
import { createConnection } from './connection.ts';
import { type Contexts, createContexts } from './contexts.ts';
import { createGetChannelId } from './get-channel-id.ts';
import { createKeepAwake } from './keep-awake.ts';
import { type ConnectionEnds, createLifeline, type Lifeline } from './lifeline.ts';
import { createListeners, type MessageEvents } from './listeners.ts';
import {
  type DeviceCredentials,
  type Offer,
  type SocketConstructor,
  systemTimers as timers,
} from './ports.ts';
import { createPushTransport, type PushManagerPart, type PushTransport } from './push-transport.ts';
import { createReceiver, type Receiver } from './receiver.ts';
import { createRegistration, type Registration } from './registration.ts';
import { seenHook } from './seen-hook.ts';
import { type Acknowledgement, acknowledge, type Call, createCall } from './service.ts';
import { failures, signIn } from './sign-in.ts';
import { createSilentSignIn } from './silent-sign-in.ts';
import { areaStorage, cacheStorage, type KeyValue } from './storage.ts';
import { createUpstream } from './upstream.ts';
import { createWakeSite, type SeenRequest } from './wake/extension.ts';

/** The shim's name in the service's logs. */
const client = 'shim/0.1';
const alarm = 'reveille';
/** 1, 2, 4, 8, 16 and 20 s by timer; longer waits belong to the alarm, because timers die with the worker. */
const timerAttempts = 6;
const timerMs = 20_000;

/** A push event holds its worker for 90 s and then kills it with everything in it: it is let go before. */
const holdMs = 60_000;

const inWorker = typeof document === 'undefined';
/** Firefox has no worker for extensions, but a page that is stopped as a worker is. */
const inBackgroundPage = !inWorker && chrome.extension?.getBackgroundPage?.() === window;
const inFirefox = chrome.runtime.getURL('').startsWith('moz-');
/** What a worker has, and the types of a page do not know. */
const scope = globalThis as unknown as {
  readonly registration: Pick<ServiceWorkerRegistration, 'active' | 'pushManager'>;
};
interface PushEventPart {
  readonly data: { json(): unknown } | null;
  waitUntil(done: Promise<unknown>): void;
}

const { info: note, error: complain } = console;

/**
 * Defines `chrome.pushMessaging` and starts the device of this profile. Must run in the first turn of the worker: events
 * that start a stopped worker go only to listeners that were added in it.
 * @param scriptUrl the address of this script, which may name the service (`?server=…`).
 */
export function install(scriptUrl: string | undefined): void {
  const configuration = readConfiguration(chrome.runtime.getManifest(), scriptUrl);
  if ('pushMessaging' in chrome) return;
  // Firefox drops the permissions that it does not know.
  if (!inFirefox && !configuration.permissions.has('pushMessaging')) {
    complain(noPermission);
    return;
  }
  for (const line of missingPermissions(configuration, inFirefox)) complain(line);
  const { server, app } = configuration;
  if (server === undefined) complain(noServer);
  if (inFirefox && app === undefined) complain(noApp);
  const appId = inFirefox ? `${app}` : chrome.runtime.id;
  const { event, find } = server === undefined ? idle() : start(server, appId, configuration.uninstallPage);
  const hosts: object[] = [chrome.runtime, chrome.extension].filter(Boolean);
  const getChannelId = createGetChannelId(find, { hosts, unchecked: complain, uncaught: reportError });
  Object.assign(chrome, { pushMessaging: { getChannelId, onMessage: event } });
}

interface Started {
  readonly event: MessageEvents;
  /** Answers the channel id, or throws an Error with the sentence for `lastError`. */
  readonly find: (interactive: boolean) => Promise<string>;
}

/** The API of an app that names no service. */
function idle(): Started {
  return {
    event: createListeners(reportError, () => {}).event,
    find: async () => {
      throw new Error(`${failures.unavailable} ${noServer}`);
    },
  };
}

/** What a connection needs of the browser. */
const around = {
  WebSocket: WebSocket as unknown as SocketConstructor,
  timers,
  client,
  delay: (attempt: number) =>
    attempt > timerAttempts && chrome.alarms ? undefined : backoff(attempt, 1_000, timerMs),
};

/** Puts the parts together and starts them. */
function start(origin: string, appId: string, uninstallPage: boolean): Started {
  const listeners = createListeners(reportError, (count) => {
    contexts.listens(count > 0);
    if (count === 0) return;
    contexts.connect();
    receiver.listening();
  });
  const { awake, runs } = createAwake();
  // In Chromium only the worker can subscribe without notifications.
  const look = (): void => {
    if (inWorker || inBackgroundPage) void transport.look();
    if (uninstallPage) leaveWord(registration);
  };
  const storage = chrome.storage ? areaStorage(chrome.storage.local) : cacheStorage();
  const rest = chrome.storage ? areaStorage(chrome.storage.session) : storage;
  const call = createCall(origin, (url, init) => fetch(url, init));
  const contexts = createContexts(
    navigator.locks,
    new BroadcastChannel('reveille'),
    listeners,
    (what) => {
      if (what === 'listening') return receiver.listening();
      void lifeline.revive();
      look();
    },
    () => lifeline.hold(),
    (offer) => receiver.offer(offer),
  );
  const registration = createRegistration({
    origin,
    call,
    storage,
    timers,
    signIn: (interactive) => signIn({ origin, call, appId, launch, note, ...redirect() }, interactive),
    alone: contexts.alone,
    registered() {
      contexts.registered();
      look();
    },
  });
  const receiver = createReceiver({
    marks: registration.marks,
    handlers: contexts,
    upstream: createUpstream((frame) => lifeline.send(frame), confirmer(call, registration)),
    timers,
    awake,
    complain,
  });
  const lifeline = createLifeline({
    call,
    registration,
    connection: connector(origin, receiver.offer, () => transport.wakes() && !runs()),
    offer: receiver.offer,
    changed: receiver.forget,
    silent: createSilentSignIn(registration, rest, timers, note),
    note,
    complain,
  });
  const wakeSite = inFirefox ? openWakeSite(origin, storage, lifeline, look) : undefined;
  const transport = createTransport(call, storage, registration, wakeSite?.manager ?? activePushManager());
  // A page without a listener has no need of the connection.
  if (inWorker || inBackgroundPage) {
    addWorkerListeners(lifeline, look);
    addPushListener(contexts, lifeline, receiver);
    contexts.connect();
  }
  const find = (interactive: boolean): Promise<string> =>
    registration.channelId(interactive).finally(() => void lifeline.revive());
  return { event: listeners.event, find: wakeSite === undefined ? find : asking(find, wakeSite.ask) };
}

/** Who may show a page asks for the permission to wake as well. */
const asking =
  (find: Started['find'], ask: () => Promise<void>): Started['find'] =>
  async (interactive) => {
    const channelId = await find(interactive);
    if (interactive) void ask();
    return channelId;
  };

/** Where the sign-in ends in Firefox, which alone knows the address. */
const redirect = () =>
  inFirefox && chrome.identity ? { redirectUri: chrome.identity.getRedirectURL() } : {};

/** What wakes an extension of Firefox. Its pages see to nothing but the question. */
function openWakeSite(origin: string, storage: KeyValue, lifeline: Lifeline, subscribed: () => void) {
  const { tabs, webRequest } = chrome;
  return createWakeSite({
    origin,
    storage,
    watch(listener, urls) {
      if (!inBackgroundPage) return;
      const heard = (request: unknown): undefined => void listener(request as SeenRequest);
      webRequest?.onBeforeRequest.addListener(heard, { urls: [...urls] }, ['requestBody']);
    },
    openTab: (url) => tabs.create({ url }),
    closeTab: (tabId) => tabs.remove(tabId),
    woken() {
      void lifeline.fetchMissed();
      void lifeline.revive();
    },
    subscribed,
  });
}

/** A browser forgets the address when it starts the extension anew. */
function leaveWord({ stored }: Registration): void {
  const left = stored().then((known) => chrome.runtime.setUninstallURL(known?.uninstallUrl ?? ''));
  left.catch(note);
}

const connector =
  (origin: string, onOffer: (offer: Offer) => unknown, rests: () => boolean) =>
  (device: DeviceCredentials, ends: ConnectionEnds) =>
    createConnection(origin, device, {
      ...around,
      rests,
      onOffer,
      onSeen: seenHook.reveilleSeen?.hears,
      ...ends,
    });

/** Tells outcomes over HTTP. A push may come before the lifeline has read the stored device. */
const confirmer =
  (call: Call, registration: Registration) =>
  (ack: Acknowledgement): void => {
    const device = registration.stored();
    device.then((known) => known && acknowledge(call, known, ack)).catch(note);
  };

/** Keeps the worker awake, and knows whether anything runs for which it is. */
function createAwake() {
  const awake = createKeepAwake(() => void chrome.runtime.getPlatformInfo(), timers);
  let reasons = 0;
  return {
    runs: () => reasons > 0,
    awake: () => {
      const sleep = awake();
      reasons += 1;
      return () => {
        reasons -= 1;
        sleep();
      };
    },
  };
}

/** The events that start a stopped worker. Enabling an extension fires none, so every start connects without waiting for one. */
function addWorkerListeners(lifeline: Lifeline, look: () => void): void {
  const { runtime, alarms } = chrome;
  const restart = (): void => void lifeline.restart();
  runtime.onStartup.addListener(restart);
  runtime.onInstalled.addListener(restart);
  alarms?.onAlarm.addListener(({ name }) => {
    if (name !== alarm) return;
    void lifeline.revive();
    look();
  });
  // Only a background page hears of its end. What is sent from here on must come by a push, not on a line that nobody reads.
  if (inBackgroundPage) {
    runtime.onSuspend.addListener(lifeline.rest);
    runtime.onSuspendCanceled.addListener(() => void lifeline.revive());
  }
  setAlarm(0.5);
  look();
}

/** Half a minute is the shortest that Chromium promises, and just within the 30 s that a worker lives; with push it need not. */
function setAlarm(periodInMinutes: number): void {
  void chrome.alarms?.create(alarm, { periodInMinutes });
}

function createTransport(
  call: Call,
  storage: KeyValue,
  { stored: device }: Registration,
  manager: () => Promise<PushManagerPart>,
): PushTransport {
  const onLook = (wakes: boolean): void => setAlarm(wakes ? 15 : 0.5);
  return createPushTransport({
    call,
    storage,
    timers,
    device,
    manager,
    userVisibleOnly: false,
    onLook,
    note,
  });
}

/** Right after its installation a worker is not active yet, and may not subscribe. */
function activePushManager(): () => Promise<PushManagerPart> {
  const { registration } = scope;
  const active = new Promise<void>((resolve) => {
    if (!inWorker || registration.active) resolve();
    else addEventListener('activate', () => resolve());
  });
  return () => active.then(() => registration.pushManager as PushManagerPart);
}

function addPushListener(contexts: Contexts, lifeline: Lifeline, receiver: Receiver): void {
  addEventListener('push', (event) => {
    const { data, waitUntil } = event as unknown as PushEventPart;
    const done = async (): Promise<void> => {
      let offer: Offer | undefined;
      try {
        offer = data?.json() as Offer | undefined;
      } catch {}
      if (offer?.version) await contexts.pass(offer);
      else await lifeline.fetchMissed();
      // More may wait than one push says.
      void lifeline.revive();
      await receiver.settled();
    };
    const limit = new Promise<void>((resolve) => timers.after(holdMs, resolve));
    waitUntil.call(event, Promise.race([done().catch(note), limit]));
  });
}

async function launch(url: string, interactive: boolean): Promise<string | undefined> {
  if (!chrome.identity)
    throw new Error(`${failures.unavailable} Add "identity" to "permissions" in manifest.json.`);
  // Firefox refuses members that it does not know.
  const limit = inFirefox ? {} : { timeoutMsForNonInteractive: 20_000 };
  return chrome.identity.launchWebAuthFlow({ url, interactive, ...limit });
}
