import { readFileSync } from 'node:fs';
import { ownCertificate } from './config/certificate-files.ts';
import type { Config } from './config/config.ts';
import { type front, REQUEST_BYTES_MAX } from './front.ts';
import type { SocketData } from './sockets.ts';

/** A silent HTTP connection is cut after this; longer than a body may take, so that a slow one is told why (limits.bodyMs). */
const IDLE_SECONDS = 30;

/** Opens the door, answers its port. */
export type Listen = (...given: Parameters<typeof listen>) => Pick<Bun.Server<SocketData>, 'port' | 'stop'>;

/** Opens the main door: HTTP, or HTTPS when the operator gave a certificate, and its WebSockets. */
export function listen(
  config: Config,
  answer: ReturnType<typeof front>,
  websocket: Bun.WebSocketHandler<SocketData>,
): Bun.Server<SocketData> {
  const tls = readCertificate(config.tls);
  return Bun.serve<SocketData>({
    hostname: config.host,
    port: config.port,
    maxRequestBodySize: REQUEST_BYTES_MAX,
    idleTimeout: IDLE_SECONDS,
    development: false,
    ...(tls && { tls }),
    fetch: answer,
    websocket,
  });
}

/** The door of Chromium's push client takes the certificate of the main door, or the one that `reveille cert` made. */
export function mcsSettings({ host, tls, dataFolder, mcsPort, mcsHeartbeatSeconds }: Config) {
  return {
    hostname: host,
    port: mcsPort,
    heartbeatMs: mcsHeartbeatSeconds * 1_000,
    certificate: readCertificate(tls ?? ownCertificate(dataFolder)),
  };
}

function readCertificate(files: Config['tls']): { cert: string; key: string } | undefined {
  return files && { cert: readFileSync(files.certFile, 'utf8'), key: readFileSync(files.keyFile, 'utf8') };
}
