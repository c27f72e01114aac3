import type { Urgency } from '../protocol/urgency.ts';
import type { AfterClose, ClientFrame, CONNECT_PATH, RESTING_CLOSE, ServerFrame } from '../protocol/wire.ts';
import type { DeviceCredentials, Offer, Seen, Socket, SocketConstructor, Timers } from './ports.ts';

export interface ConnectionPorts {
  readonly WebSocket: SocketConstructor;
  readonly timers: Timers;
  /** "name/version", for the operator's eyes. */
  readonly client: string;
  /** The lowest that the device wants; undefined = everything. */
  readonly urgency?: Urgency | undefined;
  /**
   * How long to wait before attempt `attempt` (1 = the first after a connection that was welcomed).
   * undefined = something else will call `connect`: timers die with a worker, alarms do not.
   */
  readonly delay: (attempt: number) => number | undefined;
  /** True when nothing needs the connection: it is closed instead of its next ping, and opened again by `connect`. */
  readonly rests?: () => boolean;
  readonly onOffer: (offer: Offer) => void;
  /** Hears what the user has seen on other devices; without one it is not asked for. */
  readonly onSeen?: ((seen: Seen) => void) | undefined;
  /** Everything that had waited has been offered. */
  readonly onLive: () => void;
  /** The connection ended or could not be made; `next` says what follows. Connecting again is seen to here. */
  readonly onClosed: (next: AfterClose, code: number, reason: string) => void;
}

/** One device's WebSocket: opened, greeted, kept alive, and opened again when it ends. */
export interface Connection {
  /** Connects at once, unless a connection is there or being made. */
  connect(): void;
  /** Sends a frame; false when there is no connection to send it on. */
  send(frame: ClientFrame): boolean;
  /** Ends it for good. */
  close(): void;
}

/** Typed by protocol/wire.ts, not imported from it: its parser and its texts would cost every app 3 kB. */
const path: typeof CONNECT_PATH = '/v2/connect';
const protocol = 1;
const resting: typeof RESTING_CLOSE = 4000;

/** What follows a close; a test holds it to the table of the protocol. */
function nextAfter(code: number): AfterClose {
  if ([4401, 4410].includes(code)) return 'register';
  return [4001, 4400, 4403, 4426].includes(code) ? 'stop' : 'reconnect';
}

/** An own limit: where a page's policy forbids the address, a WebSocket fires neither `open` nor `close`. */
export const openMs = 10_000;
/** Pings that may go unanswered before the other end counts as dead. */
const pingsUnanswered = 3;

/** @param origin of the service, `http://…` or `https://…`; the socket follows as `ws:` or `wss:`. */
export function createConnection(
  origin: string,
  device: DeviceCredentials,
  ports: ConnectionPorts,
): Connection {
  const { timers } = ports;
  let socket: Socket | undefined;
  let welcomed = false;
  let attempt = 0;
  let unanswered = 0;
  /** Calls off the one timer of the present state: giving up, the next ping, the next attempt. */
  let callOff = (): void => {};

  const leave = (): Socket | undefined => {
    const left = socket;
    // Whatever it tells from here on is not about the connection in use.
    if (left !== undefined) left.onmessage = left.onclose = null;
    callOff();
    socket = undefined;
    welcomed = false;
    return left;
  };

  const ended = (code: number, reason: string): void => {
    leave()?.close();
    const next = nextAfter(code);
    ports.onClosed(next, code, reason);
    const ms = next === 'reconnect' ? ports.delay(++attempt) : undefined;
    if (ms !== undefined && socket === undefined) callOff = timers.after(ms, connect);
  };

  const send = (frame: ClientFrame): boolean => {
    if (welcomed) socket?.send(JSON.stringify(frame));
    return welcomed;
  };

  // A JSON ping keeps a Chromium worker awake, which ping frames of the protocol do not, and shows that the other end lives.
  const ping = (everyMs: number): void => {
    callOff = timers.after(everyMs, () => {
      if (ports.rests?.()) return leave()?.close(resting);
      if (unanswered++ >= pingsUnanswered) return ended(1006, 'the service fell silent');
      send({ type: 'ping' });
      ping(everyMs);
    });
  };

  const heard = (frame: ServerFrame): void => {
    unanswered = 0;
    if (frame.type === 'welcome' && !welcomed) {
      callOff();
      welcomed = true;
      attempt = 0;
      ping(frame.pingMs);
    } else if (frame.type === 'message') {
      const { version, subchannelId, payload, collapse } = frame;
      ports.onOffer({ version, subchannelId, payload, ...(collapse === false && { collapse }) });
    } else if (frame.type === 'live') ports.onLive();
    else if (frame.type === 'seen') ports.onSeen?.(frame);
  };

  function connect(): void {
    if (socket !== undefined) return;
    callOff();
    socket = openSocket(origin, device, ports, heard, ended);
    callOff = timers.after(openMs, () => ended(1006, 'no answer in time'));
  }

  return { connect, send, close: () => leave()?.close(1000) };
}

/** Opens a socket that says hello; `heard` gets its frames, `ended` its end. */
function openSocket(
  origin: string,
  { deviceId, deviceToken: token }: DeviceCredentials,
  { WebSocket, client, urgency, onSeen }: ConnectionPorts,
  heard: (frame: ServerFrame) => void,
  ended: (code: number, reason: string) => void,
): Socket {
  const socket = new WebSocket(origin.replace('http', 'ws') + path);
  const hello: ClientFrame = {
    type: 'hello',
    protocol,
    client,
    device: deviceId,
    token,
    urgency,
    seen: onSeen && true,
  };
  socket.onopen = () => socket.send(JSON.stringify(hello));
  // The service is the authority here: its frames are taken as protocol/wire.ts types them.
  socket.onmessage = ({ data }) => heard(JSON.parse(String(data)) as ServerFrame);
  socket.onclose = ({ code, reason }) => ended(code, reason);
  return socket;
}
