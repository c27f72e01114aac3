import { limits } from '../../../protocol/limits.ts';
import { CHANNEL_SCOPE, SEND_SCOPE } from '../../core/sender.ts';
import { documentDoor } from '../../doors/document-door.ts';
import type { Door } from '../../doors/door.ts';
import { CHANNEL_PATHS } from './channel-door.ts';
import { MESSAGE_PATHS } from './send-door.ts';

/**
 * The historic service in Google's discovery format, from which Google's client libraries build a client at run time
 * (reference 1.1; https://developers.google.com/discovery/v1/reference/apis). No such document of this service outlived it;
 * the method id `gcm_for_chrome.messages.insert` did.
 */

const LIST_PATH = '/discovery/v1/apis';
const DOCUMENT_PATH = `${LIST_PATH}/gcm_for_chrome/v1/rest`;
const SERVICE_PATH = '/gcm_for_chrome/v1/';

const api = {
  id: 'gcm_for_chrome:v1',
  name: 'gcm_for_chrome',
  version: 'v1',
  title: 'Google Cloud Messaging for Chrome API',
  description: 'Sends messages to apps and extensions of users.',
};

const text = (description: string) => ({ type: 'string', description });

const schemas = {
  Message: {
    id: 'Message',
    type: 'object',
    properties: {
      channelId: text('The channel as getChannelId gave it: 20 digits, a slash, 32 letters a-p.'),
      subchannelId: {
        ...text('Which of the four subchannels.'),
        enum: Array.from({ length: limits.subchannels }, (_, subchannel) => String(subchannel)),
      },
      payload: text(
        `Text of at most ${limits.payloadBytes} bytes of UTF-8, unless the project's limit says otherwise.`,
      ),
    },
  },
  ChannelId: {
    id: 'ChannelId',
    type: 'object',
    properties: { id: text("The channel of the token's account with the app.") },
  },
};

/** What every method takes; further parameters of Google's services are passed over. */
const parameters = {
  access_token: { ...text('The OAuth 2.0 token, where no header can carry it.'), location: 'query' },
  alt: { ...text('The form of answers.'), enum: ['json'], default: 'json', location: 'query' },
  oauth_token: { ...text('As access_token.'), location: 'query' },
  prettyPrint: {
    type: 'boolean',
    description: 'False answers without line breaks.',
    default: 'true',
    location: 'query',
  },
};

function method(id: string, httpMethod: string, address: string | undefined, more: Record<string, unknown>) {
  const path = (address ?? '').slice(SERVICE_PATH.length);
  return { id: `gcm_for_chrome.${id}`, path, httpMethod, parameterOrder: [], ...more };
}

const resources = {
  messages: {
    methods: {
      insert: method('messages.insert', 'POST', MESSAGE_PATHS[0], {
        description: 'Sends one message to one channel. The answer is empty.',
        parameters: {},
        request: { $ref: 'Message' },
        scopes: [SEND_SCOPE],
      }),
    },
  },
  channels: {
    methods: {
      id: method('channels.id', 'GET', CHANNEL_PATHS[0], {
        description: "Answers the channel of the token's account with an app.",
        parameters: {
          app_id: {
            ...text("The app, for a project's client whose account has several."),
            location: 'query',
          },
        },
        response: { $ref: 'ChannelId' },
        scopes: [CHANNEL_SCOPE],
      }),
    },
  },
};

function discoveryDocument(origin: string) {
  return {
    kind: 'discovery#restDescription',
    discoveryVersion: 'v1',
    ...api,
    protocol: 'rest',
    rootUrl: `${origin}/`,
    servicePath: SERVICE_PATH.slice(1),
    // The same once more, as libraries of the time read it.
    baseUrl: `${origin}${SERVICE_PATH}`,
    basePath: SERVICE_PATH,
    auth: {
      oauth2: {
        scopes: {
          [SEND_SCOPE]: { description: 'Send messages' },
          [CHANNEL_SCOPE]: { description: 'Read your own channel' },
        },
      },
    },
    parameters,
    schemas,
    resources,
  };
}

function apiList(origin: string) {
  const item = {
    kind: 'discovery#directoryItem',
    ...api,
    discoveryRestUrl: `${origin}${DOCUMENT_PATH}`,
    preferred: true,
  };
  return { kind: 'discovery#directoryList', discoveryVersion: 'v1', items: [item] };
}

/** `GET /discovery/v1/apis` and the document that it names, for anyone. */
export function discoveryDoors(origin: string): readonly (readonly [string, Door])[] {
  return [
    [LIST_PATH, documentDoor(apiList(origin))],
    [DOCUMENT_PATH, documentDoor(discoveryDocument(origin))],
  ];
}
