/// <reference types="chrome" />
import { backoff } from './backoff.ts';
import { missingPermissions, noPermission, noServer, readConfiguration } from './configuration.ts';
import { createConnection } from './connection.ts';
import { createContexts } from './contexts.ts';
import { createGetChannelId } from './get-channel-id.ts';
import { createKeepAwake } from './keep-awake.ts';
import { createLifeline, type Lifeline } from './lifeline.ts';
import { createListeners, type MessageEvents } from './listeners.ts';
import { type SocketConstructor, systemTimers as timers } from './ports.ts';
import { createReceiver } from './receiver.ts';
import { createRegistration } from './registration.ts';
import { acknowledge, createCall } from './service.ts';
import { failures, signIn } from './sign-in.ts';
import { createSilentSignIn } from './silent-sign-in.ts';
import { areaStorage, cacheStorage } from './storage.ts';
import { createUpstream } from './upstream.ts';

/** The shim's name in the service's logs. */
const client = 'shim/0.1';
const alarm = 'reveille';
/** 1, 2, 4, 8, 16 and 20 s by timer; longer waits belong to the alarm, because timers die with the worker. */
const timerAttempts = 6;
const timerMs = 20_000;

const { info: note, error: complain } = console;

/**
 * Defines `chrome.pushMessaging` and starts the device of this profile. Must run in the first turn of the worker: events
 * that start a stopped worker go only to listeners that were added in it.
 * @param scriptUrl the address of this script, which may name the service (`?server=…`).
 */
export function install(scriptUrl: string | undefined): void {
  const configuration = readConfiguration(chrome.runtime.getManifest(), scriptUrl);
  if ('pushMessaging' in chrome) return;
  if (!configuration.permissions.has('pushMessaging')) {
    complain(noPermission);
    return;
  }
  for (const line of missingPermissions(configuration)) complain(line);
  const { server } = configuration;
  if (server === undefined) complain(noServer);
  const { event, find } = server === undefined ? idle() : start(server);
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
function start(origin: string): Started {
  const listeners = createListeners(reportError, (count) => {
    contexts.listens(count > 0);
    if (count === 0) return;
    contexts.connect();
    receiver.listening();
  });
  const storage = chrome.storage ? areaStorage(chrome.storage.local) : cacheStorage();
  const rest = chrome.storage ? areaStorage(chrome.storage.session) : storage;
  const call = createCall(origin, (url, init) => fetch(url, init));
  const contexts = createContexts(
    navigator.locks,
    new BroadcastChannel('reveille'),
    listeners,
    (what) => (what === 'listening' ? receiver.listening() : void lifeline.revive()),
    () => lifeline.hold(),
  );
  const signInPorts = { origin, call, appId: chrome.runtime.id, launch, note };
  const registration = createRegistration({
    origin,
    call,
    storage,
    timers,
    signIn: (interactive) => signIn(signInPorts, interactive),
    alone: contexts.alone,
    registered: contexts.registered,
  });
  const receiver = createReceiver({
    marks: registration.marks,
    handlers: contexts,
    upstream: createUpstream(
      (frame) => lifeline.send(frame),
      (ack) => {
        const device = lifeline.device();
        if (device !== undefined) acknowledge(call, device, ack).catch(note);
      },
    ),
    timers,
    awake: createKeepAwake(() => void chrome.runtime.getPlatformInfo(), timers),
    complain,
  });
  const lifeline = createLifeline({
    call,
    registration,
    connection: (device, ends) =>
      createConnection(origin, device, { ...around, onOffer: receiver.offer, ...ends }),
    offer: receiver.offer,
    changed: receiver.forget,
    silent: createSilentSignIn(registration, rest, timers, note),
    note,
    complain,
  });
  // A page without a listener has no need of the connection.
  if (typeof document === 'undefined') {
    addWorkerListeners(lifeline);
    contexts.connect();
  }
  return {
    event: listeners.event,
    async find(interactive) {
      const channelId = await registration.channelId(interactive);
      void lifeline.revive();
      return channelId;
    },
  };
}

/** The events that start a stopped worker. Enabling an extension fires none, so every start connects without waiting for one. */
function addWorkerListeners(lifeline: Lifeline): void {
  // The Push API and chrome.gcm, which wake a stopped worker for a message, will add their listeners at this place.
  const { runtime, alarms } = chrome;
  const restart = (): void => void lifeline.restart();
  runtime.onStartup.addListener(restart);
  runtime.onInstalled.addListener(restart);
  alarms?.onAlarm.addListener(({ name }) => {
    if (name === alarm) void lifeline.revive();
  });
  // Half a minute is the shortest that Chromium promises, and just within the 30 s that a worker lives.
  void alarms?.create(alarm, { periodInMinutes: 0.5 });
}

async function launch(url: string, interactive: boolean): Promise<string | undefined> {
  if (!chrome.identity)
    throw new Error(`${failures.unavailable} Add "identity" to "permissions" in manifest.json.`);
  return chrome.identity.launchWebAuthFlow({ url, interactive, timeoutMsForNonInteractive: 20_000 });
}
