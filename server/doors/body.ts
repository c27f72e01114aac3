import { ReveilleError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Clock } from '../core/clock.ts';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a whole request body as text.
 * @throws `body-too-large` above `maxBytes`, `body-slow` after limits.bodyMs, `body-invalid` when it is not UTF-8.
 */
export async function readText(
  request: Request,
  clock: Clock,
  maxBytes: number = limits.jsonBodyBytes,
): Promise<string> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > maxBytes) throw new ReveilleError('body-too-large', `At most ${maxBytes} bytes.`);
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  let late = false;
  const stop = clock.after(limits.bodyMs, () => {
    late = true;
    void reader.cancel();
  });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.byteLength;
      if (size > maxBytes) {
        await reader.cancel();
        throw new ReveilleError('body-too-large', `At most ${maxBytes} bytes.`);
      }
      chunks.push(next.value);
    }
  } finally {
    stop();
  }
  if (late) throw new ReveilleError('body-slow', `It must arrive within ${limits.bodyMs / 1_000} seconds.`);
  return decode(chunks);
}

function decode(chunks: readonly Uint8Array[]): string {
  try {
    return strictUtf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  } catch (cause) {
    throw new ReveilleError('body-invalid', 'It is not UTF-8.', {}, cause);
  }
}
