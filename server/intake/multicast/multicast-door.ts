import { createHash } from 'node:crypto';
import type { ChannelId } from '../../../protocol/channel-id.ts';
import { asReveilleError, ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { utf8Length } from '../../../protocol/message.ts';
import type { Clock } from '../../core/clock.ts';
import type { Moves } from '../../core/moves.ts';
import type { Multicasts } from '../../core/multicasts.ts';
import type { Sender } from '../../core/sender.ts';
import { readAccessToken } from '../../doors/access-token.ts';
import { readText } from '../../doors/body.ts';
import { openCors, preflight } from '../../doors/cors.ts';
import { assertJsonType, assertMethod, type Door, plainPath } from '../../doors/door.ts';
import { readShape } from '../../doors/json-body.ts';
import { problemAnswer } from '../../doors/problem.ts';
import type { Refusals } from '../../doors/refusals.ts';
import type { Events } from '../../observe/events.ts';
import { iso, messageAnswerOf, messageStateOf } from './answers.ts';
import { MessageEvents } from './message-events.ts';
import { type ChannelAnswer, idempotencyKey, type MessageAnswer, messageBody } from './shapes.ts';

const MESSAGES_PATH = '/v2/messages';
const MESSAGE_PATH = /^\/v2\/messages\/([\w-]{1,64})(\/events)?$/;
const CHANNEL_PATH = /^\/v2\/channels\/([^/]{1,128}(?:\/[^/]{1,64})?)$/;

/** Does a path belong to this door? */
export function isMulticastPath(path: string): boolean {
  return path === MESSAGES_PATH || path.startsWith('/v2/messages/') || path.startsWith('/v2/channels/');
}

export interface MulticastDoorDeps {
  readonly multicasts: Multicasts;
  readonly moves: Moves;
  /** Of this server. */
  readonly origin: string;
  readonly refusals: Refusals;
  readonly clock: Clock;
  readonly events: Events;
}

type Deps = MulticastDoorDeps & { readonly messageEvents: MessageEvents };
type Admitted = Awaited<ReturnType<Multicasts['admit']>>;

/**
 * `/v2/messages` and `/v2/channels`: what is better than the original, beside it. The same token and the same rights as at the
 * historic door; errors are problem+json.
 */
export function multicastDoor(given: MulticastDoorDeps): Door {
  const failed = (error: unknown) => given.events.failed('events', error);
  const deps = { ...given, messageEvents: new MessageEvents({ ...given, failed }) };
  return async (request, url, peer) => {
    if (request.method === 'OPTIONS') return preflight('GET, POST', 'Idempotency-Key, Last-Event-ID');
    let sender: Sender | undefined;
    try {
      const act = actionFor(plainPath(url.pathname));
      assertMethod(request, act.method);
      if (act.method === 'POST') deps.multicasts.assertRoom();
      const token = readAccessToken(request, url);
      const admitted = await deps.multicasts.admit(token);
      sender = admitted;
      const answer = await act.run(deps, admitted, request, token);
      return answer instanceof Response ? answer : json(answer);
    } catch (thrown) {
      const error = deps.refusals.count(asReveilleError(thrown), peer.address, sender?.client);
      if (sender !== undefined && sender.project !== null && request.method === 'POST')
        deps.events.turnedAway(sender.project, '', error.code);
      if (error.code === 'internal') deps.events.failed('multicast', error.cause ?? error);
      else deps.events.refused('multicast', error.code, error.detail, peer.address);
      return problemAnswer(error);
    }
  };
}

interface Action {
  readonly method: string;
  /** Answers what is told as JSON, or a whole answer. */
  run(deps: Deps, sender: Admitted, request: Request, token: string | undefined): Promise<unknown>;
}

/** @throws `not-found`. */
function actionFor(path: string): Action {
  if (path === MESSAGES_PATH) return { method: 'POST', run: send };
  const [, id, events] = MESSAGE_PATH.exec(path) ?? [];
  if (id !== undefined && events !== undefined)
    return {
      method: 'GET',
      run: (deps, sender, request, token) => followMessage(deps, sender, id, request, token),
    };
  if (id !== undefined)
    return {
      method: 'GET',
      run: async ({ multicasts }, sender) => messageStateOf(await multicasts.state(sender, id)),
    };
  const channel = CHANNEL_PATH.exec(path)?.[1];
  if (channel === undefined) throw new ReveilleError('not-found');
  return { method: 'GET', run: ({ multicasts }, sender) => channelSight(multicasts, sender, channel) };
}

/** The rights are asked for at each look: one that ends meanwhile ends the stream. */
function followMessage(
  { multicasts, messageEvents }: Deps,
  sender: Admitted,
  id: string,
  request: Request,
  token: string | undefined,
): Promise<Response> {
  const look = async (only?: ReadonlySet<ChannelId>) =>
    multicasts.state(await multicasts.admit(token), id, only);
  return messageEvents.open(sender.project, look, request.headers.get('last-event-id'));
}

async function send(
  { multicasts, clock, origin }: MulticastDoorDeps,
  sender: Admitted,
  request: Request,
): Promise<MessageAnswer> {
  assertJsonType(request);
  const key = readKey(request);
  const text = await readText(request, clock, limits.multicastBodyBytes);
  const { validateOnly, ...message } = readShape(text, messageBody);
  assertFits(message.payload, sender.payloadBytes);
  if (validateOnly) return messageAnswerOf(origin, null, await multicasts.validate(sender, message));
  const bodyHash = createHash('sha256').update(text).digest('base64url');
  const made = await multicasts.accept(sender, { ...message, key, bodyHash });
  return messageAnswerOf(origin, made, made.targets);
}

function readKey(request: Request): string | null {
  const header = request.headers.get('idempotency-key');
  if (header === null) return null;
  const read = idempotencyKey.safeParse(header);
  if (read.success) return read.data;
  throw new ReveilleError('input-invalid', `Idempotency-Key: ${read.error.issues[0]?.message}.`, {
    location: 'Idempotency-Key',
  });
}

function assertFits(payload: string, maxBytes: number): void {
  const bytes = utf8Length(payload);
  if (bytes <= maxBytes) return;
  const detail = `It has ${bytes} bytes; the limit of this project is ${maxBytes}.`;
  throw new ReveilleError('payload-too-long', detail, { location: 'payload' });
}

async function channelSight(multicasts: Multicasts, sender: Sender, given: string): Promise<ChannelAnswer> {
  const channelId = unescaped(given);
  const { exists, devices, lastConfirmed } = await multicasts.channel(sender, channelId);
  return {
    channelId,
    exists,
    devices,
    lastConfirmed: lastConfirmed === undefined ? null : iso(lastConfirmed),
  };
}

/** The slash of a channel id may come as %2F. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function json(value: unknown): Response {
  return new Response(JSON.stringify(value), {
    headers: { ...openCors, 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
  });
}
