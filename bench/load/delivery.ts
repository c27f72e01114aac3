import { readFileSync } from 'node:fs';
import type { Dialogue } from './dialogue.ts';
import { httpDialogue } from './http.ts';
import { mqttDialogue, mqttReceiver } from './mqtt.ts';
import { natsDialogue, natsReceiver } from './nats.ts';
import type { Receiver } from './receivers.ts';
import { redisReceiver, redisStreamDialogue } from './redis.ts';
import { socketIoDialogue, socketIoReceiver } from './socketio.ts';
import { ServerTexts, textFrame, upgradeRequest } from './websocket.ts';

/** How devices get messages from a server. The service's devices stand in files, one in each line; channels too. */
export type Delivery =
  | {
      readonly kind: 'reveille';
      readonly path: string;
      readonly token: string;
      readonly hellosFile: string;
      readonly channelsFile: string;
    }
  | {
      readonly kind: 'mqtt' | 'nats' | 'redis' | 'socket.io';
      readonly devices: number;
      readonly channels: number;
    };

/** Devices, and what a connection of the sender says. */
interface Parties {
  readonly receivers: readonly Receiver[];
  sender(connection: number): Dialogue;
}

/** Message `number` goes to channel `number`, counted around; so does the device of that number. */
export function parties(delivery: Delivery, payload: (number: number) => string): Parties {
  if (delivery.kind === 'reveille') return own(delivery, payload);
  const { kind, devices, channels } = delivery;
  const receivers = (make: (name: string, channel: number) => Receiver) =>
    Array.from({ length: devices }, (_, at) => make(`device-${at}`, at % channels));
  switch (kind) {
    case 'mqtt': {
      const text = (number: number) => Buffer.from(payload(number));
      return {
        receivers: receivers(mqttReceiver),
        sender: (at) => mqttDialogue(`sender-${at}`, channels, text),
      };
    }
    case 'nats':
      return {
        receivers: receivers(natsReceiver),
        sender: (at) => natsDialogue(`sender-${at}`, channels, payload),
      };
    case 'redis':
      return {
        receivers: receivers(redisReceiver),
        sender: () => redisStreamDialogue(channels, payload),
      };
    case 'socket.io':
      return {
        receivers: receivers((_name, channel) => socketIoReceiver(channel)),
        sender: () => socketIoDialogue(channels, payload),
      };
  }
}

const lines = (file: string) => readFileSync(file, 'utf8').split('\n');

function own(
  { path, token, hellosFile, channelsFile }: Delivery & { kind: 'reveille' },
  payload: (number: number) => string,
): Parties {
  const channels = lines(channelsFile);
  return {
    receivers: lines(hellosFile).map((hello) => reveilleReceiver(path, hello)),
    sender: () =>
      httpDialogue({
        path: () => '/gcm_for_chrome/v1/messages',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: (number) => {
          const channelId = channels[number % channels.length];
          const subchannelId = Math.floor(number / channels.length) % 4;
          return JSON.stringify({ channelId, subchannelId, payload: payload(number) });
        },
        good: [204],
      }),
  };
}

/** A device of the service, or of a bare server that speaks like it. */
function reveilleReceiver(path: string, hello: string): Receiver {
  const texts = new ServerTexts();
  return {
    greetings: [upgradeRequest(path), textFrame(hello)],
    hear(chunk, message) {
      let answers = 0;
      texts.push(chunk, (text) => {
        if (text === '' || text === '{"type":"live"}') answers += 1;
        else if (text.startsWith('{"type":"message"')) {
          const { version, payload } = JSON.parse(text);
          message(
            payload,
            ['taken', 'confirm'].map((type) => textFrame(JSON.stringify({ type, version }))),
          );
        }
      });
      return answers;
    },
  };
}
