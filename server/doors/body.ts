import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a whole request body as text.
 * @throws as readBytes, and `body-invalid` when it is not UTF-8.
 */
export function readText(
  request: Request,
  clock: Pick<Clock, 'after'>,
  maxBytes: number = limits.jsonBodyBytes,
): Promise<string> {
  return readWhole(request, clock, { maxBytes, maxMs: limits.bodyMs }, decode);
}

/**
 * Reads a whole request body.
 * @throws `body-too-large` above `maxBytes`, `body-slow` after `maxMs`, `body-invalid` when it breaks off.
 */
export function readBytes(
  request: Request,
  clock: Pick<Clock, 'after'>,
  maxBytes: number,
  maxMs: number = limits.bodyMs,
): Promise<Uint8Array> {
  return readWhole(request, clock, { maxBytes, maxMs }, (bytes) => bytes);
}

/** Every message comes through here: as few promises as there can be. */
function readWhole<Result>(
  request: Request,
  clock: Pick<Clock, 'after'>,
  { maxBytes, maxMs }: { readonly maxBytes: number; readonly maxMs: number },
  finish: (bytes: Uint8Array) => Result,
): Promise<Result> {
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  // `body` makes a stream of it, so a request that tells its length is not asked.
  const stream = announced === null ? request.body : null;
  return new Promise((resolve, reject) => {
    if (announced === null && stream === null) return resolve(finish(new Uint8Array()));
    const callOff = clock.after(maxMs, () => reject(slow(maxMs)));
    // A body of known length cannot outgrow it, so it is taken in one piece: a third of the cost of a stream.
    const whole: Promise<Uint8Array> = stream === null ? request.bytes() : readChunks(stream, maxBytes);
    const end = (bytes: Uint8Array): void => {
      callOff();
      try {
        resolve(finish(bytes));
      } catch (refusal) {
        reject(refusal);
      }
    };
    whole.then(end, (cause: unknown) => {
      callOff();
      reject(asRefusal(cause));
    });
  });
}

const asRefusal = (cause: unknown): ReveilleError =>
  cause instanceof ReveilleError ? cause : new ReveilleError('body-invalid', 'It broke off.', {}, cause);

async function readChunks(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new ReveilleError('body-invalid', 'It is not UTF-8.', {}, cause);
  }
}

const tooLarge = (maxBytes: number) => new ReveilleError('body-too-large', `At most ${maxBytes} bytes.`);
const slow = (maxMs: number) =>
  new ReveilleError('body-slow', `It must arrive within ${maxMs / 1_000} seconds.`);
