import type { Town } from '../dev-env/town.ts';

const SUBCHANNELS = 4;

/** The newest version of each subchannel: of what was accepted, or of what a device's handler saw. */
export class Newest {
  readonly versions: number[] = Array.from({ length: SUBCHANNELS }, () => 0);
  total = 0;
  #onProgress: () => void = () => {};

  note(subchannel: number, version: number, _payload = ''): void {
    this.total++;
    this.versions[subchannel] = Math.max(this.of(subchannel), version);
    this.#onProgress();
  }

  of(subchannel: number): number {
    return this.versions[subchannel] ?? 0;
  }

  /** Settles when every subchannel has come as far as there. */
  reach(there: Newest): Promise<void> {
    const reached = () => there.versions.every((version, subchannel) => this.of(subchannel) >= version);
    return new Promise((resolve) => {
      this.#onProgress = () => reached() && resolve();
      this.#onProgress();
    });
  }
}

/**
 * Sends messages on all subchannels at full speed until the server is gone; notes what was answered 204.
 * @param onFull hears each 503; without it one is a fault.
 */
export async function sendMessagesUntilKilled(
  town: Town,
  token: string,
  accepted: Newest,
  onFull?: () => void,
): Promise<void> {
  const sender = crypto.randomUUID();
  for (let i = 0; ; i++) {
    const subchannelId = i % SUBCHANNELS;
    try {
      const message = { channelId: town.seed.channel_id, subchannelId, payload: `message ${i} of ${sender}` };
      const answer = await town.send(token, message);
      if (answer.status === 503 && onFull !== undefined) {
        onFull();
        continue;
      }
      if (answer.status !== 204) throw new Error(`refused: ${answer.status} ${await answer.text()}`);
      accepted.note(subchannelId, Number(answer.headers.get('Reveille-Message')), message.payload);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('refused')) throw error;
      return;
    }
  }
}
