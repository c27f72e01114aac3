import { createCall, pushKey } from '../service.ts';
import { toldFields, toldPath } from './paths.ts';

/** Subscribes the worker, where it is not yet, and tells the extensions: they see the request, the service keeps nothing. */
export async function subscribeAndTell(pushManager: PushManager): Promise<void> {
  const call = createCall(location.origin, (url, init) => fetch(url, init));
  const applicationServerKey = await pushKey(call);
  const { endpoint = '', keys = {} } = (
    await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey })
  ).toJSON();
  const told: Readonly<Record<string, string | undefined>> = { endpoint, ...keys };
  await call(toldPath, undefined, new URLSearchParams(toldFields.map((name) => [name, told[name] ?? ''])));
}
