import type { AfterClose, ClientFrame } from '../protocol/wire.ts';
import type { Connection } from './connection.ts';
import type { DeviceCredentials, Offer } from './ports.ts';
import type { Registration } from './registration.ts';
import { type Call, missed, type ServiceError } from './service.ts';
import type { SilentSignIn } from './silent-sign-in.ts';

export interface LifelinePorts {
  readonly call: Call;
  readonly registration: Registration;
  /** Makes the connection of a device. */
  readonly connection: (device: DeviceCredentials, ends: ConnectionEnds) => Connection;
  readonly offer: (offer: Offer) => void;
  /** The channel may be another user's: what the receiver remembers is void. */
  readonly changed: () => void;
  readonly silent: SilentSignIn;
  readonly note: (line: string) => void;
  readonly complain: (line: string) => void;
}

/** What a connection tells of itself. */
export interface ConnectionEnds {
  onLive(): void;
  onClosed(next: AfterClose, code: number, reason: string): void;
}

/** Keeps this profile's device registered and connected, without ever showing a page (FO1). */
export interface Lifeline {
  /** This context is the one of the profile that connects. */
  hold(): void;
  /** Registers and connects, as far as that is not done: at each start, at each alarm, after a registration. */
  revive(): Promise<void>;
  /** The browser or the app has just started: silent sign-in rests no longer. */
  restart(): Promise<void>;
  /** Closes the connection; `revive` opens it again. */
  rest(): void;
  /** Fetches what waits over HTTP. */
  fetchMissed(): Promise<void>;
  /** Sends a frame; false when there is no connection. */
  send(frame: ClientFrame): boolean;
  device(): DeviceCredentials | undefined;
}

/** Closed this often in a row without being live, what waits is fetched over HTTP: some networks let no WebSocket through. */
const deafAfter = 3;

export function createLifeline(ports: LifelinePorts): Lifeline {
  const { registration, silent, note } = ports;
  let holds = false;
  let reviving: Promise<void> | undefined;
  let connection: Connection | undefined;
  let device: DeviceCredentials | undefined;
  let closedInARow = 0;
  let registeredAnew = false;

  const use = (next: DeviceCredentials | undefined): void => {
    if (next?.deviceToken === device?.deviceToken) return;
    connection?.close();
    // A push may have come before the stored device was read: what it did belongs to that device.
    if (device !== undefined && next?.channelId !== device.channelId) ports.changed();
    device = next;
    closedInARow = 0;
    connection = next && ports.connection(next, { onLive, onClosed });
    // Somebody is signed in: what had to rest before need not rest after.
    if (next) void silent.wake();
  };

  const onLive = (): void => {
    registeredAnew = false;
    closedInARow = 0;
  };

  const onClosed = (next: AfterClose, code: number, reason: string): void => {
    closedInARow += 1;
    // 4001 is a newer connection of this same device: to fight it would end both again and again.
    (next === 'stop' && code !== 4001 ? ports.complain : note)(`The push service hung up: ${code} ${reason}`);
    if (next === 'register') void unknown();
  };

  /** Registers again: at once where the device was live before, a fresh one only at the next alarm. */
  const unknown = async (): Promise<void> => {
    await reviving;
    if (device !== undefined) await registration.forget(device);
    if (registeredAnew) return;
    registeredAnew = true;
    await revive();
  };

  const once = async (): Promise<void> => {
    use((await registration.stored()) ?? (await silent.attempt()));
    connection?.connect();
    if (device !== undefined && closedInARow >= deafAfter && (await isUnknown(ports, device))) void unknown();
  };

  const revive = async (): Promise<void> => {
    if (!holds) return;
    reviving ??= once().finally(() => {
      reviving = undefined;
    });
    await reviving;
  };

  return {
    revive,
    hold() {
      holds = true;
      void revive();
    },
    rest: () => connection?.close(),
    restart: () => silent.wake().then(revive),
    fetchMissed: () => fetchMissed(ports),
    send: (frame) => connection?.send(frame) ?? false,
    device: () => device,
  };
}

async function fetchMissed(ports: LifelinePorts): Promise<void> {
  const device = await ports.registration.stored();
  if (device !== undefined) await isUnknown(ports, device);
}

/** Fetches what waits over HTTP and offers it; true when the service does not know the device. */
async function isUnknown({ call, offer, note }: LifelinePorts, device: DeviceCredentials): Promise<boolean> {
  try {
    for (const one of await missed(call, device)) offer(one);
    return false;
  } catch (error) {
    note(String(error));
    return (error as ServiceError).status === 401;
  }
}
