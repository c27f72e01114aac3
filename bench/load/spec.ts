import type { Dialogue } from './dialogue.ts';
import { httpDialogue } from './http.ts';
import { mqttDialogue } from './mqtt.ts';
import { natsDialogue } from './nats.ts';
import { postgresDialogue } from './postgres.ts';
import { redisDialogue } from './redis.ts';
import { socketIoDialogue } from './socketio.ts';

/** What to say to which server: what the process of the load is told as JSON. */
export type Talk =
  | { readonly kind: 'reveille'; readonly token: string; readonly channelsFile: string }
  | {
      readonly kind: 'empty' | 'nchan' | 'redis' | 'mqtt' | 'nats' | 'postgres' | 'socket.io';
      readonly channels: number;
    };

/** 64 bytes, for everyone. */
const text = 'a message of sixty-four bytes, as push messages mostly are short';
const payload = () => text;
const bytes = Buffer.from(text);

/** What each connection says. `channels`: the ids of those that Reveille has. */
export function dialogues(talk: Talk, channels: readonly string[]): (connection: number) => Dialogue {
  switch (talk.kind) {
    case 'reveille':
      return () => reveille(talk.token, channels);
    case 'empty':
      return () => reveille('none', ['an empty handler looks at nothing']);
    case 'nchan':
      return () =>
        httpDialogue({
          path: (number) => `/publish?id=${number % talk.channels}`,
          headers: { 'Content-Type': 'text/plain' },
          body: payload,
          good: [201, 202],
        });
    case 'redis':
      return () => redisDialogue(talk.channels, text);
    case 'mqtt':
      return (connection) => mqttDialogue(`load-${connection}`, talk.channels, () => bytes);
    case 'nats':
      return (connection) => natsDialogue(String(connection), talk.channels, payload);
    case 'socket.io':
      return () => socketIoDialogue(talk.channels, payload);
    case 'postgres':
      return () => postgresDialogue(talk.channels, text);
  }
}

function reveille(token: string, channels: readonly string[]): Dialogue {
  return httpDialogue({
    path: () => '/gcm_for_chrome/v1/messages',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: (number) => {
      const channelId = channels[number % channels.length];
      return JSON.stringify({ channelId, subchannelId: number % 4, payload: text });
    },
    good: [204],
  });
}
