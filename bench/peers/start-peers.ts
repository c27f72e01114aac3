import type { Bench } from '../figure.ts';
import { mosquitto, nats, nchan, redis } from './brokers.ts';
import { aedes, socketIo } from './node-peers.ts';
import type { Peer, PeerKind } from './peer.ts';
import { postgres } from './postgres.ts';

/** Those that accept messages. */
export const acceptors: readonly PeerKind[] = [redis, mosquitto, nats, postgres, nchan, aedes, socketIo];

/** Those that deliver messages to subscribers who acknowledge them. */
export const deliverers: readonly PeerKind[] = [mosquitto, nats, redis, aedes, socketIo];

export interface StartedPeers {
  readonly peers: readonly Peer[];
  /** Who is missing, and why. */
  readonly remarks: readonly string[];
  stop(): Promise<void>;
}

/** Starts the peers that this machine has. One that is missing or does not start is told, and left out. */
export async function startPeers(bench: Bench, kinds: readonly PeerKind[]): Promise<StartedPeers> {
  const peers: Peer[] = [];
  const remarks: string[] = [];
  for (const kind of kinds) {
    const program = kind.find() ?? undefined;
    if (program === undefined) {
      remarks.push(`${kind.name} was left out: it is not installed (${kind.origin}).`);
      continue;
    }
    try {
      peers.push(await kind.start(bench, program));
    } catch (error) {
      remarks.push(`${kind.name} was left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return {
    peers,
    remarks,
    async stop() {
      await Promise.all(peers.map((peer) => peer.stop()));
    },
  };
}
