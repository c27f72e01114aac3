import type { PushMessage } from '../../protocol/message.ts';
import { type Contexts, createContexts } from '../contexts.ts';
import { createListeners, type Listeners } from '../listeners.ts';
import { systemTimers as timers } from '../ports.ts';
import { createRegistration, type Registration } from '../registration.ts';
import { type Call, createCall } from '../service.ts';
import { signIn } from '../sign-in.ts';
import { databaseStorage } from './database-storage.ts';
import { createSignInWindow } from './sign-in-window.ts';
import { createSubscription, type Subscription } from './subscription.ts';

/** What a web app says of itself, in its pages and in its service worker alike. */
export interface WebAppOptions {
  /** Origin of the service, `https://push.example.org`. */
  readonly server: string;
  /** Id of the app as it is registered there, with the origin of its pages. */
  readonly app: string;
  /** In a page: address of the app's service worker, which is registered where it is not yet. */
  readonly worker?: string;
  /** In a page: where sign-in comes back to, as it is registered; without one this page's address without its query. */
  readonly redirectUri?: string;
  /**
   * In the worker: the notification that stands for a message while none of the app is shown. False shows none: Firefox then
   * ends the subscription after some 16 pushes without a visit, Chromium shows a line of its own.
   */
  readonly notification?: false | ((message: PushMessage | undefined) => Notice);
}

export interface Notice extends NotificationOptions {
  readonly title: string;
}

/** What pages and worker of a web app have in common. */
export interface Parts {
  readonly call: Call;
  readonly listeners: Listeners;
  readonly contexts: Contexts;
  readonly registration: Registration;
  readonly subscription: Subscription;
  /** Pages of this origin tell each other how a sign-in ended. */
  readonly signInChannel: BroadcastChannel;
}

/** A page asks the worker by this word to fetch what waits. */
export const lookWord = 'reveille.look';
/** The window of a sign-in. */
const windowFeatures = 'popup,width=480,height=680';

/** @param heard hears that another context has a listener. */
export function createParts(options: WebAppOptions, heard: () => void): Parts {
  const { app } = options;
  const server = new URL(options.server).origin;
  const storage = databaseStorage(`reveille.${app}`);
  const call = createCall(server, (url, init) => fetch(url, init));
  const signInChannel = new BroadcastChannel('reveille.sign-in');
  const listeners = createListeners(reportError, (count) => {
    contexts.listens(count > 0);
    if (count > 0) heard();
  });
  const contexts = createContexts(
    navigator.locks,
    new BroadcastChannel('reveille'),
    listeners,
    (what) => what === 'listening' && heard(),
    () => {},
    () => {},
  );
  const launch = createSignInWindow({
    open: (url) => window.open(url, '_blank', windowFeatures),
    broadcast: signInChannel,
    timers,
  });
  const signInPorts = {
    origin: server,
    call,
    appId: app,
    redirectUri: options.redirectUri ?? location.origin + location.pathname,
    launch,
    note: console.info,
  };
  const registration = createRegistration({
    origin: server,
    call,
    storage,
    timers,
    signIn: (interactive) => signIn(signInPorts, interactive),
    alone: contexts.alone,
    registered: contexts.registered,
  });
  return {
    call,
    listeners,
    contexts,
    registration,
    subscription: createSubscription(call, storage, timers),
    signInChannel,
  };
}
