import { z } from 'zod';
import { limits } from '../../../protocol/limits.ts';
import { urgencies } from '../../../protocol/urgency.ts';
import { isVersion, type Version } from '../../../protocol/version.ts';
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

/** `POST …/seen`. */
export const seenBody = z.object({
  subchannelId: z
    .int()
    .min(0)
    .max(limits.subchannelsMax - 1),
  version,
});

/** `PUT …/transport`: how the device is woken by a push, or null; and the lowest urgency that it wants to be woken for. */
export const transportBody = z.object({
  transport: pushTransport.nullable().transform((value) => (value === null ? null : JSON.stringify(value))),
  urgency: z.enum(urgencies).default('very-low'),
});
