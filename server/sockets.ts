import { limits } from '../protocol/limits.ts';
import type { AutopushGateway } from './gateways/autopush/listener.ts';
import { AutopushSession } from './gateways/autopush/session.ts';
import type { WebSocketGateway } from './gateways/websocket/listener.ts';
import type { Session } from './gateways/websocket/session.ts';

/** What a WebSocket of the main port carries: its gateway's session. */
export type SocketData = Session | AutopushSession;

type Socket<Data> = Bun.ServerWebSocket<Data>;

/** `Bun.serve` has one handler for all WebSockets: each event goes to the gateway whose session the socket carries. */
export function socketHandler(
  own: WebSocketGateway,
  autopush: AutopushGateway,
): Bun.WebSocketHandler<SocketData> {
  const ours = own.websocket;
  const theirs = autopush.websocket;
  return {
    ...ours,
    // Each codec has a tighter limit of its own, and says so when a frame is above it.
    maxPayloadLength: limits.autopushFrameBytes + 1_024,
    open: (socket) => (isAutopush(socket) ? theirs.open(socket) : ours.open?.(socket as Socket<Session>)),
    message: (socket, message) =>
      isAutopush(socket)
        ? theirs.message(socket, message)
        : ours.message?.(socket as Socket<Session>, message),
    ping: (socket, data) =>
      isAutopush(socket) ? theirs.ping(socket, data) : ours.ping?.(socket as Socket<Session>, data),
    pong: (socket, data) =>
      isAutopush(socket) ? theirs.pong(socket, data) : ours.pong?.(socket as Socket<Session>, data),
    drain: (socket) => (isAutopush(socket) ? theirs.drain(socket) : ours.drain?.(socket as Socket<Session>)),
    close: (socket, code, reason) =>
      isAutopush(socket)
        ? theirs.close(socket, code, reason)
        : ours.close?.(socket as Socket<Session>, code, reason),
  };
}

function isAutopush(socket: Socket<SocketData>): socket is Socket<AutopushSession> {
  return socket.data instanceof AutopushSession;
}
