import type { Dialogue } from './dialogue.ts';
import type { Receiver } from './receivers.ts';
import { ServerTexts, textFrame, upgradeRequest } from './websocket.ts';

/** Where a Socket.IO server takes WebSockets. */
export const SOCKET_IO_PATH = '/socket.io/?EIO=4&transport=websocket';
/** What a client says to be let into the main namespace (Socket.IO protocol 5). */
export const SOCKET_IO_CONNECT = '40';

/** Events of a client with an acknowledgement each, over Engine.IO 4 on a WebSocket. */
export function socketIoDialogue(channels: number, payload: (number: number) => string): Dialogue {
  const texts = new ServerTexts();
  return {
    greetings: [upgradeRequest(SOCKET_IO_PATH), textFrame(SOCKET_IO_CONNECT)],
    refused: 0,
    request(number) {
      const event = ['publish', `channel/${number % channels}`, payload(number)];
      return textFrame(`42${number}${JSON.stringify(event)}`);
    },
    hear(chunk) {
      let answers = 0;
      texts.push(chunk, (text) => {
        if (/^(0|40|43)/.test(text)) answers += 1;
      });
      return answers;
    },
  };
}

/** A client in the room of its channel that acknowledges each event. */
export function socketIoReceiver(channel: number): Receiver {
  const texts = new ServerTexts();
  const join = textFrame(`420${JSON.stringify(['join', `channel/${channel}`])}`);
  return {
    greetings: [upgradeRequest(SOCKET_IO_PATH), textFrame(SOCKET_IO_CONNECT), join],
    hear(chunk, message) {
      let answers = 0;
      texts.push(chunk, (text) => {
        if (/^(0|40|43)/.test(text)) answers += 1;
        const event = /^42(\d+)(\[.*)$/.exec(text);
        if (event === null) return;
        message(JSON.parse(event[2] ?? '')[1], [textFrame(`43${event[1]}[]`)]);
      });
      return answers;
    },
  };
}
