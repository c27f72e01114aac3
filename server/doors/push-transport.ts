import { z } from 'zod';
import { limits } from '../../protocol/limits.ts';

const bytes = (count: number, what: string) =>
  z
    .string()
    .max(120)
    .regex(/^[\w+/-]+={0,2}$/, `must be ${what} in base64url`)
    .transform((text) => Buffer.from(text, 'base64'))
    .refine((given) => given.length === count, `must be ${what} in base64url`)
    .transform((given) => given.toString('base64url'));

/**
 * A device that is woken by a push: what `PushSubscription.toJSON()` of its browser says. Keys may be padded and in either
 * alphabet, as the browsers have them; they are kept as base64url.
 */
export const pushTransport = z.object({
  kind: z.literal('push'),
  endpoint: z.url({ protocol: /^https?$/ }).max(limits.pushEndpointCharacters),
  p256dh: bytes(65, 'an uncompressed point of P-256').refine(
    (text) => text.startsWith('B'),
    'must be an uncompressed point of P-256',
  ),
  auth: bytes(16, 'a secret of 16 bytes'),
});

export type PushTransport = z.output<typeof pushTransport>;

/** The transport as it was kept; undefined when it is of another kind. */
export function readPushTransport(json: string): PushTransport | undefined {
  return pushTransport.safeParse(JSON.parse(json)).data;
}
