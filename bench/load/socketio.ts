import type { Dialogue } from './dialogue.ts';
import { ServerTexts, textFrame, upgradeRequest } from './websocket.ts';

/** Where a Socket.IO server takes WebSockets. */
export const SOCKET_IO_PATH = '/socket.io/?EIO=4&transport=websocket';
/** What a client says to be let into the main namespace (Socket.IO protocol 5). */
export const SOCKET_IO_CONNECT = '40';

/** Events of a client with an acknowledgement each, over Engine.IO 4 on a WebSocket. */
export function socketIoDialogue(channels: number, payload: string): Dialogue {
  const texts = new ServerTexts();
  return {
    greetings: [upgradeRequest(SOCKET_IO_PATH), textFrame(SOCKET_IO_CONNECT)],
    refused: 0,
    request(number) {
      const event = ['publish', `channel/${number % channels}`, payload];
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
