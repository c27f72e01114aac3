import { ReveilleError } from '../../../protocol/errors.ts';
import type { Pushes } from '../../core/push.ts';
import type { MessageStore } from '../../core/store.ts';
import { assertMethod } from '../../doors/door.ts';
import { pushAnswer, pushJson } from './answers.ts';
import type { Resources } from './resources.ts';

export interface MessageDoorDeps {
  readonly pushes: Pick<Pushes, 'withdraw'>;
  readonly store: Pick<MessageStore, 'traced'>;
  readonly resources: Resources;
}

/**
 * The message resource: `GET` tells its sender how it stands, `DELETE` takes it back. Both are 404 for a name that is not ours
 * and for a message that has left the trace; taking back what has ended already changes nothing and is 204 all the same.
 */
export async function takeMessage(request: Request, name: string, deps: MessageDoorDeps): Promise<Response> {
  assertMethod(request, 'GET, DELETE');
  const version = deps.resources.names.message(name);
  const trace = version === undefined ? undefined : await deps.store.traced(version);
  if (version === undefined || trace === undefined)
    throw new ReveilleError('not-found', 'There is no such message, or it ended too long ago.');
  if (request.method === 'GET') return pushJson(200, deps.resources.status(trace));
  await deps.pushes.withdraw(version);
  return pushAnswer(204, null, {});
}
