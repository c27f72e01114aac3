import type { Handler } from 'hono';
import type { z } from 'zod';
import { type AppId, isAppId } from '../../protocol/app-id.ts';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { PageContext, PageEnv } from '../accounts/page-guard.ts';
import type { Clock } from '../core/clock.ts';
import { type Sender, type Senders, STORE_READ_SCOPE, STORE_SCOPE } from '../core/sender.ts';
import { readAccessToken } from '../doors/access-token.ts';
import { readBytes, readText } from '../doors/body.ts';
import { preflight, withCors } from '../doors/cors.ts';
import { answerError, assertMethod, type DoorEvents, wantsPretty } from '../doors/door.ts';
import { googleJson } from '../doors/google-answer.ts';
import { Refusals } from '../doors/refusals.ts';

export interface PublishDoorDeps {
  readonly senders: Pick<Senders, 'identify'>;
  readonly clock: Clock;
  readonly events: DoorEvents;
}

/** One call whose token was found good for it. */
export interface StoreCall {
  readonly account: string;
  readonly c: PageContext;
}

type Method = 'GET' | 'POST' | 'PUT';

/** What both generations of the Publish API share: tokens, scopes, refusals, bodies, the form of answers. */
export class PublishDoor {
  readonly #deps: PublishDoorDeps;
  readonly #refusals: Refusals;

  constructor(deps: PublishDoorDeps) {
    this.#deps = deps;
    this.#refusals = new Refusals(deps.clock);
  }

  /**
   * Wraps a call: `answer` runs for a token whose scope covers the method and gives the JSON of a 200. To look, the
   * scope `….readonly` is enough.
   */
  call(method: Method, answer: (call: StoreCall) => Promise<object>): Handler<PageEnv> {
    return async (c) => {
      const { req, env } = c;
      const url = new URL(req.url);
      if (req.method === 'OPTIONS') return preflight(method);
      let sender: Sender | undefined;
      try {
        assertMethod(req.raw, method);
        sender = await this.#admit(req.raw, url, method === 'GET');
        const value = await answer({ account: sender.account, c });
        return withCors(googleJson(200, value, wantsPretty(url)));
      } catch (thrown) {
        const error = this.#refusals.count(asReveilleError(thrown), env.peer.address, sender?.client);
        return answerError(error, 'publish', env.peer, wantsPretty(url), this.#deps.events);
      }
    };
  }

  /** The package in a body. @throws `body-too-large`, `body-slow`, `input-invalid` for a form that is not the raw file. */
  async package({ c }: StoreCall): Promise<Uint8Array> {
    const kind = c.req.query('uploadType') ?? 'media';
    if (kind !== 'media')
      throw new ReveilleError(
        'input-invalid',
        `Uploads of the type "${kind.slice(0, 20)}" are not taken: send the package itself as the body, uploadType=media.`,
        {
          location: 'uploadType',
        },
      );
    return await readBytes(c.req.raw, this.#deps.clock, limits.packageBytes, limits.packageMs);
  }

  /** A small JSON body, or an empty one. @throws `body-invalid`, `input-invalid` with the member that is wrong. */
  async json<T>({ c }: StoreCall, shape: z.ZodType<T>): Promise<T> {
    const text = await readText(c.req.raw, this.#deps.clock);
    const parsed = shape.safeParse(text.trim() === '' ? {} : parseJson(text));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new ReveilleError('input-invalid', `"${issue?.path.join('.')}": ${issue?.message}.`);
  }

  async #admit(request: Request, url: URL, looking: boolean): Promise<Sender> {
    const token = readAccessToken(request, url);
    if (token === undefined || token === '') throw new ReveilleError('token-missing');
    const sender = await this.#deps.senders.identify(token);
    if (!sender.scopes.has(STORE_SCOPE) && !(looking && sender.scopes.has(STORE_READ_SCOPE)))
      throw new ReveilleError('scope-insufficient', `It needs ${STORE_SCOPE}.`);
    return sender;
  }
}

/** The item that a path names, with or without a `:verb` behind it. @throws `not-found` when it is no app id. */
export function itemIn({ c }: StoreCall): AppId {
  const [id = ''] = (c.req.param('id') ?? '').split(':');
  if (!isAppId(id)) throw new ReveilleError('not-found', 'An item id has 32 letters a-p.');
  return id;
}

/** @throws `input-invalid` for a part of the users: update checks do not tell who asks. */
export function assertWholeRollout(percentage: number | undefined): void {
  if (percentage === undefined || percentage === 100) return;
  throw new ReveilleError(
    'input-invalid',
    'A version is published to all users at once: leave deployPercentage out, or send 100.',
    { location: 'deployPercentage' },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ReveilleError('body-invalid', undefined, {}, cause);
  }
}
