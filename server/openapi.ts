import { z } from 'zod';
import { documentDoor } from './doors/document-door.ts';
import type { Door } from './doors/door.ts';
import { confirmBody, registrationBody, transportBody } from './intake/devices/bodies.ts';
import {
  channelAnswer,
  idempotencyKey,
  messageAnswer,
  messageBody,
  messageState,
  problem,
  receiptEvent,
} from './intake/multicast/shapes.ts';

export const OPENAPI_PATH = '/v2/openapi.json';

type Json = Record<string, unknown>;

/** What a caller may write (`input`) or will read (`output`), in the JSON Schema of OpenAPI 3.1. */
function schema(shape: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(shape, { io, unrepresentable: 'any' });
  return rest;
}

const content = (shape: z.ZodType, io: 'input' | 'output') => ({
  'application/json': { schema: schema(shape, io) },
});
const body = (shape: z.ZodType) => ({ required: true, content: content(shape, 'input') });
const ok = (shape: z.ZodType, description: string) => ({
  200: { description, content: content(shape, 'output') },
});
const done = { 204: { description: 'Done' } };
const refused = { default: { $ref: '#/components/responses/Problem' } };
const refusedToDevice = { default: { description: "Refused: an error in Google's envelope of the time" } };
const inPath = (name: string, description: string) => ({
  name,
  in: 'path',
  required: true,
  description,
  schema: { type: 'string' },
});
const sender = [{ sender: [] }];
const device = [{ device: [] }];

const messagePaths = {
  '/v2/messages': {
    post: {
      operationId: 'sendMessage',
      summary: 'Sends one message to one to a thousand channels',
      security: sender,
      parameters: [{ name: 'Idempotency-Key', in: 'header', schema: schema(idempotencyKey, 'input') }],
      requestBody: body(messageBody),
      responses: { ...ok(messageAnswer, 'What became of each channel'), ...refused },
    },
  },
  '/v2/messages/{id}': {
    get: {
      operationId: 'getMessage',
      summary: 'How a message stands on each device, for seven days',
      security: sender,
      parameters: [inPath('id', 'As the answer to sendMessage gave it')],
      responses: { ...ok(messageState, 'The state'), ...refused },
    },
  },
  '/v2/messages/{id}/events': {
    get: {
      operationId: 'followMessage',
      summary: 'What becomes of a message on each device, as server-sent events',
      security: sender,
      parameters: [
        inPath('id', 'As the answer to sendMessage gave it'),
        { name: 'Last-Event-ID', in: 'header', schema: { type: 'string' } },
      ],
      responses: {
        200: {
          description:
            'Events "receipt" with this data, at last "end"; "problem" when a right ended. A receipt may come twice',
          content: { 'text/event-stream': { schema: schema(receiptEvent, 'output') } },
        },
        204: { description: 'The client has seen the end' },
        ...refused,
      },
    },
  },
  '/v2/channels/{id}': {
    get: {
      operationId: 'getChannel',
      summary: 'Whether a channel exists, its devices, its last confirm',
      security: sender,
      parameters: [inPath('id', 'The channel id, its slash as %2F')],
      responses: { ...ok(channelAnswer, 'The channel'), ...refused },
    },
  },
};

const registered = z.object({
  deviceId: z.string(),
  deviceToken: z.string(),
  channelId: z.string(),
  uninstallUrl: z.url(),
});
const missed = z.object({
  messages: z.array(z.object({ version: z.int(), subchannelId: z.int(), payload: z.string() })),
  more: z.boolean(),
});
const deviceId = inPath('id', 'The deviceId of the registration');

const devicePaths = {
  '/v2/devices': {
    post: {
      operationId: 'registerDevice',
      summary: 'Registers a device for the account of the token',
      security: sender,
      requestBody: body(registrationBody),
      responses: { ...ok(registered, 'The device and its token, told this once'), ...refusedToDevice },
    },
  },
  '/v2/devices/{id}': {
    delete: {
      operationId: 'removeDevice',
      summary: 'Ends the device and its connection',
      security: device,
      parameters: [deviceId],
      responses: { ...done, ...refusedToDevice },
    },
  },
  '/v2/devices/{id}/transport': {
    put: {
      operationId: 'setTransport',
      summary: 'How the device can be woken, or null',
      security: device,
      parameters: [deviceId],
      requestBody: body(transportBody),
      responses: { ...done, ...refusedToDevice },
    },
  },
  '/v2/devices/{id}/missed': {
    get: {
      operationId: 'missedMessages',
      summary: 'What waits for the device',
      security: device,
      parameters: [deviceId, { name: 'after', in: 'query', schema: { type: 'integer', minimum: 1 } }],
      responses: { ...ok(missed, 'What waits, a page of it'), ...refusedToDevice },
    },
  },
  '/v2/devices/{id}/confirm': {
    post: {
      operationId: 'confirmMessages',
      summary: 'Records what became of messages on the device',
      security: device,
      parameters: [deviceId],
      requestBody: body(confirmBody),
      responses: { ...done, ...refusedToDevice },
    },
  },
};

/** The second API in OpenAPI 3.1, made from the schemas that its doors validate with. */
export function openApi(origin: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Reveille',
      version: '2',
      summary: 'Messages to the devices of users, beside the historic API',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: origin }],
    paths: { ...messagePaths, ...devicePaths },
    components: {
      securitySchemes: {
        sender: { type: 'http', scheme: 'bearer', description: 'An OAuth 2.0 access token' },
        device: { type: 'http', scheme: 'bearer', description: 'The deviceToken of the registration' },
      },
      responses: {
        Problem: {
          description: 'Refused',
          content: { 'application/problem+json': { schema: schema(problem, 'output') } },
        },
      },
    },
  };
}

/** `GET /v2/openapi.json`, for anyone. */
export function openApiDoor(origin: string): Door {
  return documentDoor(openApi(origin));
}
