import type { z } from 'zod';
import { ReveilleError } from '../../protocol/errors.ts';
import type { Clock } from '../core/clock.ts';
import { readText } from './body.ts';
import { assertJsonType } from './door.ts';

/**
 * Reads a JSON body of the given shape; fields that a plain object of zod does not have are dropped.
 * @throws `type-unsupported`, `body-too-large`, `body-slow`, `body-invalid`, and `input-invalid` with the name of the field.
 */
export async function readBody<Shape extends z.ZodType>(
  request: Request,
  clock: Clock,
  shape: Shape,
): Promise<z.output<Shape>> {
  assertJsonType(request);
  return readShape(await readText(request, clock), shape);
}

/**
 * Reads JSON text of the given shape.
 * @throws `body-invalid`, and `input-invalid` with the name of the field.
 */
export function readShape<Shape extends z.ZodType>(text: string, shape: Shape): z.output<Shape> {
  const read = shape.safeParse(parseJson(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const location = issue?.path.join('.') ?? '';
  throw new ReveilleError('input-invalid', `${location === '' ? 'body' : location}: ${issue?.message}.`, {
    location,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ReveilleError('body-invalid', 'The body is no JSON.', {}, cause);
  }
}
