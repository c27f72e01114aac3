import { z } from 'zod';
import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { isLoopback } from '../../server/config/config.ts';
import { systemClock } from '../../server/core/clock.ts';
import type { MessageTrace } from '../../server/core/store.ts';
import { assertMethod, plainPath } from '../../server/doors/door.ts';
import { readBody } from '../../server/doors/json-body.ts';
import { problemAnswer } from '../../server/doors/problem.ts';
import type { Seed } from '../town.ts';
import type { OwnAnswer } from './outer-door.ts';

/** What a test finds: one of each thing that a first message needs, and tokens that are good for an hour of the emulator's clock. */
export interface EmulatedTown extends Seed {
  /** Sends to the channel, as the client would by the refresh token. */
  readonly access_token: string;
  /** Registers devices of the account, as the app would by signing in. */
  readonly receiver_token: string;
}

/** A further person with the app of the town. */
export interface EmulatedUser {
  readonly account: { readonly email: string; readonly password: string };
  readonly channel_id: string;
  readonly receiver_token: string;
}

/** What the door lets tests do. */
export interface Emulated {
  readonly town: EmulatedTown;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Moves the clock; what fell due has happened when this settles. @param time milliseconds since 1970 */
  moveTo(time: number): Promise<void>;
  /** Begins anew: the same town, the clock at its first moment, nothing else. Connected devices are sent away and may come back. */
  reset(): Promise<void>;
  /** Every message that was accepted, newest first. */
  messages(): readonly MessageTrace[];
  /** Forgets the messages, those that wait included, and the quota that they used up. Channels and devices stay. */
  forgetMessages(): Promise<void>;
  /** Makes one more person with the app of the town. */
  addUser(): Promise<EmulatedUser>;
}

const PATH = '/emulator';
/** Messages that are listed unless `limit` asks for fewer. */
const LISTED = 1_000;

/** The most that a clock moves at a time, either way; what falls due every minute on the way all happens. */
const MOVE_MS_MAX = 366 * 86_400_000;

const clockBody = z.union([
  z.strictObject({ advanceMs: z.int().min(-MOVE_MS_MAX).max(MOVE_MS_MAX) }),
  z.strictObject({ now: z.iso.datetime({ offset: true }) }),
]);

type Act = (emulator: Emulated, request: Request, url: URL) => unknown;

/** By path, then by method. What an act answers is sent as JSON; of undefined nothing is, with 204. */
const acts: Readonly<Record<string, Readonly<Record<string, Act>>>> = {
  '': {
    GET: (emulator) => ({ ...emulator.town, now: iso(emulator.now) }),
    DELETE: (emulator) => emulator.reset(),
  },
  '/clock': { GET: (emulator) => clockOf(emulator), POST: moveClock },
  '/messages': { GET: listMessages, DELETE: (emulator) => emulator.forgetMessages() },
  '/users': { POST: (emulator) => emulator.addUser() },
};

/** `/emulator` and what is under it: see docs/emulator.md. Everything of this is for programs of this machine. */
export function emulatorDoor(emulator: Emulated): OwnAnswer {
  return (request) => {
    const url = new URL(request.url);
    const path = plainPath(url.pathname);
    if (path !== PATH && !path.startsWith(`${PATH}/`)) return undefined;
    return answer(emulator, request, url, path.slice(PATH.length).replace(/\/$/, ''));
  };
}

async function answer(emulator: Emulated, request: Request, url: URL, path: string): Promise<Response> {
  try {
    assertOurs(request, url);
    const methods = acts[path];
    if (methods === undefined)
      throw new ReveilleError(
        'not-found',
        `There is ${Object.keys(acts)
          .map((one) => PATH + one)
          .join(', ')}.`,
      );
    assertMethod(request, Object.keys(methods).join(', '));
    const value = await methods[request.method]?.(emulator, request, url);
    const headers = { 'Cache-Control': 'no-store' };
    return value === undefined
      ? new Response(null, { status: 204, headers })
      : Response.json(value, { headers });
  } catch (thrown) {
    const error = asReveilleError(thrown);
    if (error.code === 'internal') console.error(thrown);
    return withoutCors(problemAnswer(error));
  }
}

/** Any page of the web can have a browser ask loopback, under a name of its own too: only pages of this machine are heard. */
function assertOurs({ headers }: Request, url: URL): void {
  const origin = headers.get('origin');
  const from = origin === null ? null : URL.parse(origin);
  const site = headers.get('sec-fetch-site');
  const foreign = origin === null ? site === 'cross-site' : from === null || !isLoopback(bare(from.hostname));
  if (foreign || !isLoopback(bare(url.hostname)))
    throw new ReveilleError('forbidden', 'The emulator hears programs and pages of this machine only.');
}

const bare = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

function withoutCors(response: Response): Response {
  response.headers.delete('access-control-allow-origin');
  return response;
}

async function moveClock(emulator: Emulated, request: Request): Promise<unknown> {
  const wanted = await readBody(request, systemClock, clockBody);
  await emulator.moveTo('now' in wanted ? Date.parse(wanted.now) : emulator.now + wanted.advanceMs);
  return clockOf(emulator);
}

const clockOf = ({ now }: Emulated) => ({ now: iso(now), ms: now });

function listMessages(emulator: Emulated, _request: Request, { searchParams }: URL): unknown {
  const channel = searchParams.get('channel');
  const limit = Number(searchParams.get('limit') ?? LISTED);
  if (!(limit >= 1 && limit <= LISTED))
    throw new ReveilleError('input-invalid', `limit: 1 to ${LISTED}.`, { location: 'limit' });
  const all = emulator.messages().filter((one) => channel === null || one.channelId === channel);
  return { messages: all.slice(0, limit).map(shown), total: all.length };
}

function shown({ acceptedAt, expiresAt, slot, devices, ...rest }: MessageTrace): unknown {
  return {
    ...rest,
    subchannel: slot,
    acceptedAt: iso(acceptedAt),
    expiresAt: iso(expiresAt),
    devices: devices.map(({ deviceId, deviceName, state, at, sentAt, receivedAt, failedRuns }) => ({
      device: deviceId,
      name: deviceName,
      state,
      endedAt: at === null ? null : iso(at),
      ...(sentAt !== undefined && { sentAt: iso(sentAt) }),
      ...(receivedAt !== undefined && { receivedAt: iso(receivedAt) }),
      failedRuns,
    })),
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();
