import { backoff } from './backoff.ts';
import type { DeviceCredentials, Timers } from './ports.ts';
import type { Registration } from './registration.ts';
import { failures } from './sign-in.ts';
import type { KeyValue } from './storage.ts';

/** A silent sign-in loads the service's page unseen: where nobody is signed in it is tried less and less often. */
const restMs = 30_000;
export const restMsMax = 3_600_000;
export const restKey = 'reveille.rest';

export interface SilentSignIn {
  /** Registers without a page, unless it rests; undefined when that was not possible. */
  attempt(): Promise<DeviceCredentials | undefined>;
  /** Somebody may be signed in: the next attempt need not wait. */
  wake(): Promise<unknown>;
}

/** @param rest outlives the worker, not the browser. */
export function createSilentSignIn(
  registration: Pick<Registration, 'ensure'>,
  rest: KeyValue,
  timers: Timers,
  note: (line: string) => void,
): SilentSignIn {
  return {
    wake: () => rest.set(restKey, null),
    async attempt() {
      const { tries, until } = ((await rest.get(restKey)) ?? { tries: 1, until: 0 }) as Record<
        'tries' | 'until',
        number
      >;
      if (timers.now() < until) return undefined;
      try {
        return await registration.ensure(false);
      } catch (error) {
        note(String(error));
        if ((error as Error).message === failures.signedOut) {
          await rest.set(restKey, {
            tries: tries + 1,
            until: timers.now() + backoff(tries, restMs, restMsMax),
          });
        }
        return undefined;
      }
    },
  };
}
