/** Where devices connect and messages are posted. */
export interface Door {
  readonly port: number;
  readonly path: string;
  readonly token: string;
}

/** Below the number of connections without a hello that the server takes from one address. */
const AT_ONCE = 100;

/** Connects a device for each hello, some at a time. Settles when all are live; a device that is closed ends the process. */
export async function connectInTurns(
  door: Door,
  hellos: readonly string[],
  onMessage: (device: WebSocket, text: string) => void,
): Promise<readonly WebSocket[]> {
  const devices: WebSocket[] = [];
  let next = 0;
  const turn = async () => {
    for (let hello = hellos[next++]; hello !== undefined; hello = hellos[next++])
      devices.push(await connect(door, hello, onMessage));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, turn));
  return devices;
}

function connect(
  { port, path }: Door,
  hello: string,
  onMessage: (device: WebSocket, text: string) => void,
): Promise<WebSocket> {
  const live = Promise.withResolvers<WebSocket>();
  const device = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  device.onopen = () => device.send(hello);
  device.onmessage = ({ data }) => {
    const text = String(data);
    if (text.startsWith('{"type":"message"')) onMessage(device, text);
    else if (text === '{"type":"live"}') live.resolve(device);
  };
  device.onclose = ({ code, reason }) => {
    console.error(`a device was closed: ${code} ${reason}`);
    process.exit(1);
  };
  return live.promise;
}

/** @throws Error when the message is not accepted. */
export async function post({ port, token }: Door, message: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/gcm_for_chrome/v1/messages`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(message),
  });
  if (answer.status !== 204) throw new Error(`the message was answered ${answer.status}`);
}
