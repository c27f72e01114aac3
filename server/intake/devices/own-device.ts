import { ReveilleError } from '../../../protocol/errors.ts';
import { isSubchannelQueue, subchannelOf } from '../../../protocol/slot.ts';
import { isUrgency, type Urgency } from '../../../protocol/urgency.ts';
import { isVersion, type Version } from '../../../protocol/version.ts';
import type { Clock } from '../../core/clock.ts';
import type { Devices } from '../../core/devices.ts';
import type { Device, Kept } from '../../core/store.ts';
import { googleJson } from '../../doors/google-answer.ts';
import { readBody } from '../../doors/json-body.ts';
import { confirmBody, seenBody, transportBody } from './bodies.ts';

/** What a device does at its own addresses, once its token was checked. */
export interface DeviceAction {
  readonly method: string;
  run(call: {
    request: Request;
    url: URL;
    device: Device;
    devices: Devices;
    clock: Clock;
    /** @throws `input-invalid` for a transport that could never wake. */
    assertUsable: (transport: string) => void;
  }): Promise<Response>;
}

/** By the part of the path behind `/v2/devices/{id}`. */
export const deviceActions: Readonly<Record<string, DeviceAction>> = {
  '': {
    method: 'DELETE',
    async run({ device, devices }) {
      await devices.remove(device);
      return done();
    },
  },
  '/transport': {
    method: 'PUT',
    async run({ request, device, devices, clock, assertUsable }) {
      const { transport, urgency } = await readBody(request, clock, transportBody);
      if (transport !== null) assertUsable(transport);
      await devices.setTransport(device, transport, urgency);
      return done();
    },
  },
  '/missed': {
    method: 'GET',
    async run({ url, device, devices }) {
      const missed = await devices.missed(device, { after: readAfter(url), lowest: readLowest(url) });
      const seen = (await devices.seenOf(device)).map(({ subchannel, version }) => ({
        subchannelId: subchannel,
        version,
      }));
      return googleJson(200, {
        messages: missed.kept.map(missedMessage),
        more: missed.more,
        ...(seen.length > 0 && { seen }),
      });
    },
  },
  '/seen': {
    method: 'POST',
    async run({ request, device, devices, clock }) {
      const { subchannelId, version } = await readBody(request, clock, seenBody);
      await devices.markSeen(device, { subchannel: subchannelId, version });
      return done();
    },
  },
  '/confirm': {
    method: 'POST',
    async run({ request, device, devices, clock }) {
      const { acks } = await readBody(request, clock, confirmBody);
      await devices.acknowledge(device, acks);
      return done();
    },
  },
};

const done = () => new Response(null, { status: 204 });

function readAfter(url: URL): Version | undefined {
  const after = url.searchParams.get('after');
  if (after === null) return undefined;
  const version = Number(after);
  if (!isVersion(version))
    throw new ReveilleError('input-invalid', '"after" must be a version.', { location: 'after' });
  return version;
}

/** What is asked for here holds for this answer alone: a GET changes nothing. */
function readLowest(url: URL): Urgency | undefined {
  const urgency = url.searchParams.get('urgency');
  if (urgency === null) return undefined;
  if (!isUrgency(urgency)) throw new ReveilleError('urgency-invalid', undefined, { location: 'urgency' });
  return urgency;
}

/** The slots of an app's channel are its subchannels and their queues. */
function missedMessage({ version, slot, payload }: Kept) {
  const message = { version, subchannelId: subchannelOf(slot), payload };
  return isSubchannelQueue(slot) ? { ...message, collapse: false } : message;
}
