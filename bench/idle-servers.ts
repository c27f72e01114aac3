import { clientFrames } from '../dev-env/mcs-client.ts';
import type { Town } from '../dev-env/town.ts';
import { isAppId } from '../protocol/app-id.ts';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { CONNECT_PATH, formatFrame } from '../protocol/wire.ts';
import { certificateFiles } from '../server/config/certificate-files.ts';
import { openSecrets } from '../server/config/secrets.ts';
import { hashToken } from '../server/core/devices.ts';
import { DeviceKeys } from '../server/gateways/mcs/device-keys.ts';
import { startBare } from './children.ts';
import type { Bench } from './figure.ts';
import { inBatches, listFile, whileDown } from './full-town.ts';
import type { IdleOrder } from './load/idle-clients.ts';
import { mqttConnect } from './load/mqtt.ts';
import { SOCKET_IO_CONNECT, SOCKET_IO_PATH } from './load/socketio.ts';
import { socketIo } from './peers/node-peers.ts';
import type { PeerKind } from './peers/peer.ts';

const MCS_VERSION = 41;

/** A server that has just started, and how to connect to it. */
export interface FreshServer {
  readonly pid: number;
  readonly clients: Omit<IdleOrder, 'from' | 'count'>;
  stop(): Promise<void>;
}

type Start = () => Promise<FreshServer>;

/** A registered device: what it says first, and where messages for it go. */
interface Registered {
  readonly device: string;
  readonly hello: string;
  readonly channelId: string;
}

/** Registers `count` devices, each on a channel of its own unless there are fewer. */
export async function registerDevices(
  town: Town,
  count: number,
  { channels = count }: { readonly channels?: number } = {},
): Promise<readonly Registered[]> {
  const app = town.seed.app.id;
  if (!isAppId(app)) throw new Error('the seed has no app');
  return await whileDown(town, (store) =>
    inBatches(count, async (number) => {
      const { id: channelId, key } = await store.openChannel(`user-${number % channels}`, app);
      const device = `device-${number}`;
      const token = `token-${number}`;
      const tokenHash = hashToken(token);
      await store.register({ id: device, channel: key, tokenHash, name: 'bench', signIn: null });
      const hello = formatFrame({ type: 'hello', protocol: 1, client: 'bench/1', device, token });
      return { device, hello, channelId };
    }),
  );
}

/** One of the service's three doors, on a server that is started again for each measurement. */
export async function ownDoor(
  bench: Bench,
  town: Town,
  door: 'ws' | 'wss' | 'mcs' | 'autopush',
  count: number,
): Promise<Start> {
  const lines = await ownHellos(town, door, count);
  const hellosFile = await listFile(bench, `hellos-${door}`, lines);
  return async () => {
    await town.stop();
    await town.startAgain();
    const port = door === 'mcs' ? (await town.mcsDoor()).port : Number(new URL(town.origin).port);
    const path = door === 'autopush' ? AUTOPUSH_PATH : CONNECT_PATH;
    const transport = door === 'mcs' ? 'socket' : 'websocket';
    const tls = door === 'wss' || door === 'mcs';
    return { pid: town.pid, clients: { transport, port, tls, path, hellosFile }, stop: async () => {} };
  };
}

async function ownHellos(town: Town, door: string, count: number): Promise<readonly string[]> {
  if (door === 'ws' || door === 'wss') return (await registerDevices(town, count)).map(({ hello }) => hello);
  if (door === 'autopush') {
    const hello = JSON.stringify({ messageType: 'hello', use_webpush: true, broadcasts: {} });
    return Array.from({ length: count }, () => hello);
  }
  const secrets = await openSecrets({ folder: town.dataFolder });
  const keys = new DeviceKeys(secrets, (bytes) => crypto.getRandomValues(new Uint8Array(bytes)));
  return Array.from({ length: count }, () => {
    const { id, token } = keys.create();
    const login = clientFrames.login(String(id), String(token));
    return Buffer.concat([Uint8Array.of(MCS_VERSION), login]).toString('base64');
  });
}

/** The runtime alone, with the certificate of a town where it speaks TLS. */
export async function bare(
  bench: Bench,
  transport: IdleOrder['transport'],
  count: number,
  certified?: Town,
): Promise<Start> {
  const hello = transport === 'socket' ? btoa('hello') : 'hello';
  const lines = Array.from({ length: count }, () => hello);
  const hellosFile = await listFile(bench, `hellos-bare-${transport}`, lines);
  const files = certified === undefined ? undefined : certificateFiles(certified.dataFolder);
  const certificate = files === undefined ? [] : [files.serverCert, files.serverKey];
  return async () => {
    const server = await startBare(bench, 'bench/bare-sockets.ts', transport, ...certificate);
    return {
      pid: server.pid,
      clients: { transport, port: server.port, tls: certified !== undefined, path: '/', hellosFile },
      stop: () => server[Symbol.asyncDispose](),
    };
  };
}

/** A peer that is started again for each measurement; its clients say MQTT's CONNECT, or that of Socket.IO. */
export async function idlePeer(bench: Bench, kind: PeerKind, program: string, count: number): Promise<Start> {
  const speaksMqtt = kind !== socketIo;
  const lines = Array.from({ length: count }, (_, at) =>
    speaksMqtt ? mqttConnect(`idle-${at}`).toString('base64') : SOCKET_IO_CONNECT,
  );
  const hellosFile = await listFile(bench, `hellos-${kind.name}`, lines);
  const transport = speaksMqtt ? 'socket' : 'websocket';
  const path = speaksMqtt ? '' : SOCKET_IO_PATH;
  return async () => {
    const { pid, port, stop } = await kind.start(bench, program);
    return { pid, clients: { transport, port, tls: false, path, hellosFile }, stop };
  };
}
