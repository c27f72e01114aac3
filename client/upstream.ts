import type { Version } from '../protocol/version.ts';
import type { ClientFrame, RefusalKind } from '../protocol/wire.ts';
import type { Upstream } from './ports.ts';
import type { Acknowledgement } from './service.ts';

/**
 * The way back: on the open connection where there is one, else over HTTP.
 * @param send puts a frame on the connection; false when there is none.
 * @param acknowledge tells the server over HTTP; its failure costs one more offer of the message, never a run.
 */
export function createUpstream(
  send: (frame: ClientFrame) => boolean,
  acknowledge: (ack: Acknowledgement) => void,
): Upstream {
  const tell = (frame: ClientFrame, ack: Acknowledgement): void => {
    if (!send(frame)) acknowledge(ack);
  };
  return {
    // Only a connection has a clock that "taken" stops.
    taken: (version: Version) => void send({ type: 'taken', version }),
    confirm: (version: Version) => tell({ type: 'confirm', version }, { version, outcome: 'handled' }),
    refuse(version: Version, kind: RefusalKind, why: string) {
      // A reason is for the trace: a sentence, not a stack.
      const reason = why.slice(0, 200);
      tell({ type: 'refuse', version, kind, reason }, { version, outcome: kind, reason });
    },
  };
}
