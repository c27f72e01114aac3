import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { ReveilleError } from '../protocol/errors.ts';
import { same } from './accounts/sign-up.ts';
import { isLoopback } from './config/config.ts';
import { answerError, assertMethod, type Door } from './doors/door.ts';
import type { Peer } from './doors/peer.ts';
import { RateLimit } from './doors/rate-limit.ts';
import type { Ground } from './foundation.ts';
import type { Metrics } from './observe/metrics.ts';

const TRIES_PER_MINUTE = 10;
/** A store that does not answer a read within this is not ready. */
const READY_MS = 2_000;
/** What proxies add: such a request comes from elsewhere, whoever opened the socket. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** The doors of whoever watches over the service. */
export interface Observing {
  readonly doors: readonly (readonly [string, Door])[];
  /** From now on the service is not ready. */
  stopping(): void;
}

/** `/metrics` for this machine and the operator; `/readyz` for anyone, which tells one word. */
export function openObserving(ground: Ground, metrics: Metrics): Observing {
  let stopping = false;
  return {
    doors: [
      ['/metrics', metricsDoor(ground, metrics)],
      ['/readyz', async () => readiness(!stopping && (await answers(ground)))],
    ],
    stopping() {
      stopping = true;
    },
  };
}

/** Writes a new key of the operator into the data folder, readable by its owner only. */
export function writeOperatorToken(folder: string): string {
  const token = randomBytes(32).toString('base64url');
  writeFileSync(join(folder, 'operator.token'), token, { mode: 0o600 });
  return token;
}

function metricsDoor({ world, operatorToken }: Ground, metrics: Metrics): Door {
  const tries = new RateLimit(world.clock, TRIES_PER_MINUTE, 60_000);
  return async (request, _url, peer) => {
    try {
      assertMethod(request, 'GET, HEAD');
      if (!isLocal(request, peer)) {
        tries.assert(peer.address);
        assertOperator(request, operatorToken);
      }
      const { text, type } = await metrics.page();
      return new Response(text, { headers: { 'Content-Type': type, 'Cache-Control': 'no-store' } });
    } catch (thrown) {
      return answerError(thrown, 'metrics', peer, true, world.events);
    }
  };
}

/** A program of this machine, not a proxy of this machine that speaks for others, and no page of a browser either. */
function isLocal(request: Request, peer: Peer): boolean {
  const { headers } = request;
  return (
    isLoopback(peer.address.replace(/^::ffff:/, '')) &&
    FORWARDED.every((name) => !headers.has(name)) &&
    isLoopback(new URL(request.url).hostname.replace(/^\[(.*)\]$/, '$1'))
  );
}

function assertOperator(request: Request, token: string): void {
  const given = /^Bearer (.+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
  if (given === undefined)
    throw new ReveilleError('token-missing', 'The token of the operator is in the data folder.');
  if (!same(given, token))
    throw new ReveilleError('token-invalid', 'It changes at each start of the server.');
}

/** True when both databases answer a read in time. */
async function answers({ core, db, world }: Ground): Promise<boolean> {
  const read = Promise.all([core.store.acceptedOn('', ''), sql`SELECT 1`.execute(db)]).then(() => true);
  const late = new Promise<boolean>((resolve) => world.clock.after(READY_MS, () => resolve(false)));
  return await Promise.race([read, late]).catch(() => false);
}

function readiness(ready: boolean): Response {
  const headers = { 'Cache-Control': 'no-store', ...(ready ? {} : { 'Retry-After': '1' }) };
  return new Response(ready ? 'ready\n' : 'not ready\n', { status: ready ? 200 : 503, headers });
}
