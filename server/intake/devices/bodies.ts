import { z } from 'zod';
import { ReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { isVersion, type Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import { readText } from '../../doors/body.ts';
import { assertJsonType } from '../../doors/door.ts';
import { pushTransport } from '../../doors/push-transport.ts';

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => value.isWellFormed(), 'holds half of a surrogate pair');
const version = z.custom<Version>(isVersion, 'must be a whole number from 1 to 2^53 - 1');
// What a client says of a failed run may be long: the beginning is what an operator reads.
const reason = z
  .string()
  .default('')
  .transform((value) => value.slice(0, limits.reasonCharacters).toWellFormed());

/** `POST /v2/devices`. Device id and token go together: they renew what the profile holds from before. */
export const registrationBody = z
  .object({
    appId: z.string().optional(),
    name: text(limits.deviceNameCharacters).min(1).optional(),
    deviceId: text(limits.tokenCharacters).optional(),
    deviceToken: text(limits.tokenCharacters).optional(),
  })
  .refine((body) => (body.deviceId === undefined) === (body.deviceToken === undefined), {
    path: ['deviceToken'],
    message: 'goes together with deviceId',
  });

/** `POST …/confirm`. */
export const confirmBody = z.object({
  acks: z
    .array(
      z.discriminatedUnion('outcome', [
        z.object({ outcome: z.enum(['taken', 'handled']), version }),
        z.object({ outcome: z.enum(['failed', 'no-listener']), version, reason }),
      ]),
    )
    .min(1)
    .max(limits.outcomesPerConfirm),
});

/** `PUT …/transport`: how the device is woken by a push, or null. */
export const transportBody = z.object({
  transport: pushTransport.nullable().transform((value) => (value === null ? null : JSON.stringify(value))),
});

/**
 * Reads a JSON body of the given shape; fields that it does not have are dropped.
 * @throws `type-unsupported`, `body-too-large`, `body-slow`, `body-invalid`, and `input-invalid` with the name of the field.
 */
export async function readBody<Shape extends z.ZodType>(
  request: Request,
  clock: Clock,
  shape: Shape,
): Promise<z.output<Shape>> {
  assertJsonType(request);
  const body = parseJson(await readText(request, clock));
  const read = shape.safeParse(body);
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
