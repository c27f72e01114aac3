import { asReveilleError, ReveilleError } from '../../protocol/errors.ts';
import { withCors } from './cors.ts';
import { googleError } from './google-answer.ts';
import type { Peer } from './peer.ts';

/** What a door tells of refusals and failures; `observe/events.ts` has it. */
export interface DoorEvents {
  refused(door: string, code: string, detail: string | undefined, address: string): void;
  failed(where: string, error: unknown): void;
}

/** One HTTP door: a request with its parsed address in, an answer out. Never rejects. */
export type Door = (request: Request, url: URL, peer: Peer) => Promise<Response>;

/** A path without doubled slashes: a sender of the time wrote `//o/oauth2/token` (reference 3.2). */
export function plainPath(pathname: string): string {
  return pathname.includes('//') ? pathname.replace(/\/{2,}/g, '/') : pathname;
}

/** IN6: `prettyPrint` of Google's APIs, and `pp` of its old Python client (reference 1.1). True unless switched off. */
export function wantsPretty(url: URL): boolean {
  if (url.search === '') return true;
  const wish = url.searchParams.get('prettyPrint') ?? url.searchParams.get('pp');
  return wish !== 'false' && wish !== '0';
}

/** @throws `method-wrong` with the methods that the address takes, such as "GET, POST". */
export function assertMethod(request: Request, allow: string): void {
  if (request.method === allow || allow.split(', ').includes(request.method)) return;
  throw new ReveilleError('method-wrong', `This address takes ${allow}.`, { allow });
}

const JSON_TYPE =
  /^(application\/(?:[\w.+-]+\+)?json|text\/json)\s*(?:;\s*charset\s*=\s*"?(?:utf-?8|us-ascii)"?\s*)?;?$/i;

/** @throws `type-unsupported` unless the body is JSON in UTF-8, or of a type that nobody told (reference 1.1). */
export function assertJsonType(request: Request): void {
  const type = request.headers.get('content-type');
  if (type === 'application/json' || type === null || JSON_TYPE.test(type)) return;
  throw new ReveilleError('type-unsupported', `It was "${type.slice(0, 80)}".`);
}

/** Answers whatever a door threw, in Google's envelope, and tells the events of it. Tokens and bodies stay out of both. */
export function answerError(
  thrown: unknown,
  door: string,
  peer: Peer,
  pretty: boolean,
  events: DoorEvents,
): Response {
  const error = asReveilleError(thrown);
  if (error.code === 'internal') events.failed(door, error.cause ?? error);
  else events.refused(door, error.code, error.detail, peer.address);
  return withCors(googleError(error, pretty));
}
