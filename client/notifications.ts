/**
 * A stand-in for `window.webkitNotifications`, which the guide's example uses, over `registration.showNotification`.
 * Opt-in and a file of its own: it defines `window` in a worker, which misleads libraries that look for a page.
 * The app needs the permission `notifications`.
 */
interface WebkitNotification {
  onclick: (() => void) | null;
  onclose: (() => void) | null;
  ondisplay: (() => void) | null;
  onerror: (() => void) | null;
  /** Takes the place of a shown notification with the same id. */
  replaceId: string;
  show(): void;
  cancel(): void;
}

interface Scope {
  readonly registration: Pick<ServiceWorkerRegistration, 'showNotification' | 'getNotifications'>;
  addEventListener(
    type: string,
    listener: (event: { readonly notification: { readonly tag: string } }) => void,
  ): void;
}

/** Defines `window` and `webkitNotifications` on the global object of a worker. */
export function installNotifications(scope: Scope & object): void {
  const shown = new Map<string, WebkitNotification>();
  for (const [type, handler] of [
    ['notificationclick', 'onclick'] as const,
    ['notificationclose', 'onclose'] as const,
  ]) {
    scope.addEventListener(type, ({ notification }) => shown.get(notification.tag)?.[handler]?.());
  }
  const webkitNotifications = {
    /** 0 = allowed, as `PERMISSION_ALLOWED` was: in an extension the manifest has granted it. */
    checkPermission: () => 0,
    requestPermission: (callback?: () => void) => callback?.(),
    createNotification(icon: string, title: string, body: string): WebkitNotification {
      const notification: WebkitNotification = {
        onclick: null,
        onclose: null,
        ondisplay: null,
        onerror: null,
        replaceId: crypto.randomUUID(),
        show() {
          const { replaceId: tag } = notification;
          shown.set(tag, notification);
          scope.registration.showNotification(title, { body, tag, ...(icon === '' ? {} : { icon }) }).then(
            () => notification.ondisplay?.(),
            () => notification.onerror?.(),
          );
        },
        cancel() {
          void scope.registration.getNotifications({ tag: notification.replaceId }).then((found) => {
            for (const one of found) one.close();
          });
        },
      };
      return notification;
    },
  };
  Object.assign(scope, { window: scope, webkitNotifications });
}
