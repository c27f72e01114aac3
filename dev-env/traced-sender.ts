import type { Town } from './town.ts';

/** Sends to the town's channel through `/v2/messages`, whose answers name the message, and reads what became of it. */
export class TracedSender {
  readonly #town: Town;
  readonly #token: string;

  private constructor(town: Town, token: string) {
    this.#town = town;
    this.#token = token;
  }

  static async of(town: Town): Promise<TracedSender> {
    return new TracedSender(town, await town.accessToken());
  }

  /** Sends one message. Answers its id and its place in the order of the channel. */
  async send(
    subchannelId: number,
    payload: string,
  ): Promise<{ readonly id: string; readonly version: number }> {
    const { channel_id } = this.#town.seed;
    const body = JSON.stringify({ channels: [channel_id], subchannel: subchannelId, payload });
    const { id, targets } = (await this.#call('/v2/messages', { method: 'POST', body })) as {
      id: string;
      targets: readonly { version: number }[];
    };
    return { id, version: targets[0]?.version ?? 0 };
  }

  /** The state of a message at each device. */
  async states(id: string): Promise<readonly string[]> {
    const { targets } = (await this.#call(`/v2/messages/${id}`)) as {
      targets: readonly { devices: readonly { state: string }[] }[];
    };
    return targets.flatMap(({ devices }) => devices.map(({ state }) => state));
  }

  async #call(path: string, init: RequestInit = {}): Promise<unknown> {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${this.#token}` };
    const answer = await fetch(this.#town.origin + path, { ...init, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }
}
