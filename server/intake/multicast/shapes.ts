import { z } from 'zod';
import { errorTable } from '../../../protocol/errors.ts';
import { limits, retentionMs } from '../../../protocol/limits.ts';
import { subchannelName } from '../../../protocol/subchannel.ts';
import { urgencies } from '../../../protocol/urgency.ts';

/** What the doors of the second API read and answer. The same schemas are its OpenAPI document (server/openapi.ts). */

const time = z.iso.datetime().describe('RFC 3339, in UTC');
const channelId = z.string().describe('As getChannelId gave it: 20 digits, a slash, 32 letters a-p');

/** `POST /v2/messages`. Unknown fields are refused: a misspelt "validateOnly" must not send. */
export const messageBody = z
  .strictObject({
    channels: z
      .array(z.string().max(64))
      .min(1)
      .max(limits.multicastChannels)
      .refine((channels) => new Set(channels).size === channels.length, 'names a channel twice')
      .describe('Channel ids, each once'),
    payload: z
      .string()
      .refine((payload) => payload.isWellFormed(), 'holds half of a surrogate pair')
      .default('')
      .describe("Text, up to the project's limit in bytes of UTF-8"),
    subchannel: z
      .union(
        [
          z
            .int()
            .min(0)
            .max(limits.subchannelsMax - 1),
          z.string().regex(subchannelName),
        ],
        `is a number from 0 to ${limits.subchannelsMax - 1}, or a name of small letters, digits and hyphens`,
      )
      .default(0)
      .describe(
        `Each keeps its newest message for a device that is away. 0 to ${limits.subchannels - 1}, or more when the project's limit allows it; or a name that the owners of the app gave one`,
      ),
    collapse: z
      .boolean()
      .default(true)
      .describe(
        `False: it waits behind older ones of its subchannel, in order, and replaces none; of more than ${limits.queuedPerSubchannel} that wait the oldest is dropped`,
      ),
    deliver: z
      .enum(['all', 'any'])
      .default('all')
      .describe('any: the first device of a channel that confirms it ends it for the others'),
    ttl: z
      .int()
      .min(0)
      .max(retentionMs / 1_000)
      .default(retentionMs / 1_000)
      .describe('Seconds that the message waits for a device; 0 = for devices that are connected'),
    urgency: z
      .enum(urgencies)
      .default('normal')
      .describe('A device may name the lowest that it wants; what lies below waits for it'),
    receipts: z
      .boolean()
      .default(false)
      .describe('True tells the webhooks of the project and of the apps what becomes of it'),
    validateOnly: z.boolean().default(false).describe('True checks everything and sends nothing'),
  })
  .describe('One message for one to a thousand channels');

/** The header `Idempotency-Key`. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII')
  .max(limits.idempotencyKeyCharacters)
  .describe('Makes the request repeatable for 24 hours: the same body gets the same answer, another one 409');

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What is wrong and what to do next'),
    code: z.enum(Object.keys(errorTable) as [string, ...string[]]),
    location: z.string().optional().describe('The field or header at fault'),
  })
  .describe('RFC 9457; the codes are stable');

const refusal = z.object({ code: z.string(), title: z.string(), detail: z.string() });

export const messageAnswer = z.object({
  id: z.string().nullable().describe('For GET /v2/messages/{id}; null with validateOnly'),
  trace: z
    .url()
    .nullable()
    .describe('A page that shows members of the project where the message is, and why'),
  acceptedAt: time.nullable(),
  accepted: z.int(),
  refused: z.int(),
  targets: z
    .array(
      z.object({
        channelId: z.string(),
        state: z.enum(['accepted', 'refused']),
        version: z.int().optional().describe('The place of the message in the order of its channel'),
        error: refusal.optional(),
      }),
    )
    .describe('In the order of the request'),
});

const deviceState = z.object({
  device: z.string().describe('Stays the same for a device, names nobody'),
  state: z.enum([
    'accepted',
    'sent',
    'received',
    'confirmed',
    'superseded',
    'expired',
    'failed',
    'withdrawn',
  ]),
  acceptedAt: time,
  sentAt: time.optional(),
  receivedAt: time.optional(),
  reason: z
    .enum(['queue-overflow'])
    .optional()
    .describe('queue-overflow: it was the oldest of too many that waited with collapse: false'),
  endedAt: time.optional().describe('When it was confirmed, superseded, or whatever the state says'),
  failedRuns: z.int(),
});

/** The data of a `receipt` in `GET /v2/messages/{id}/events`. */
export const receiptEvent = z.object({
  channelId: z.string(),
  version: z.int(),
  device: z.string().describe('Stays the same for a device, names nobody'),
  state: z.enum(['sent', 'received', 'confirmed', 'superseded', 'expired', 'failed', 'withdrawn']),
  at: time,
});

export const messageState = z.object({
  id: z.string(),
  acceptedAt: time,
  targets: z.array(
    z.object({
      channelId: z.string(),
      version: z.int().optional(),
      expiresAt: time.optional(),
      seenAt: time.optional().describe('When the user was first said to have seen it, on any device'),
      devices: z.array(deviceState).optional(),
      error: refusal.optional(),
    }),
  ),
});

export const channelAnswer = z.object({
  channelId,
  exists: z.boolean().describe('False once its user removed the app or the account'),
  devices: z.int(),
  lastConfirmed: time.nullable(),
});

export type MessageAnswer = z.output<typeof messageAnswer>;
export type MessageState = z.output<typeof messageState>;
export type ChannelAnswer = z.output<typeof channelAnswer>;
export type ReceiptEvent = z.output<typeof receiptEvent>;
export type DeviceState = z.output<typeof deviceState>;
export type Refusal = z.output<typeof refusal>;
