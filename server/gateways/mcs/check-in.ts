import { PbfWriter } from 'pbf';
import { browserSettings } from '../../../protocol/browser-settings.ts';
import { asReveilleError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Clock } from '../../core/clock.ts';
import { readBytes } from '../../doors/body.ts';
import type { Door } from '../../doors/door.ts';
import { RateLimit } from '../../doors/rate-limit.ts';
import type { Events } from '../../observe/events.ts';
import type { DeviceCredentials, DeviceKeys } from './device-keys.ts';
import { readFields, writeFixed64 } from './fields.ts';

/** Where a browser finds us at its later starts, which need no flags then: Chromium keeps it in the profile. */
export interface McsPlace {
  /** Scheme, host and port of the HTTP doors. */
  readonly origin: string;
  /** Port of the TLS door, on the same host. */
  readonly mcsPort: number;
}

export interface CheckInDeps {
  readonly keys: DeviceKeys;
  /** undefined while the TLS door is shut: a browser that registered then would wait for messages in vain. */
  readonly place: McsPlace | undefined;
  readonly clock: Clock;
  readonly events: Events;
}

/** Chromium's own default. It takes no less than 12 hours. */
const CHECK_IN_SECONDS = 2 * 24 * 3_600;
const BODY_BYTES_MAX = 64 * 1024;
const RETRY_SECONDS = 30;

/**
 * `POST /checkin`: gives a browser its device id and security token, and our settings. Nothing is stored. A browser that
 * has a pair already gets the same again; one whose pair is not ours gets 401, which makes it forget that one and come
 * again as a first one (after its next start). A first check-in is never answered 400 or 401: Chromium would repeat it
 * without any pause.
 */
export function checkInDoor({ keys, place, clock, events }: CheckInDeps): Door {
  const perAddress = new RateLimit(clock, limits.checkInsPerAddress, limits.refusedMs);
  return async (request, _url, peer) => {
    if (request.method !== 'POST') return plain(405, 'Check-in is a POST of protobuf.', { Allow: 'POST' });
    if (place === undefined) return later('This service has no certificate, so its MCS port is shut.');
    if (perAddress.take(peer.address) > 0) {
      events.refused('check-in', 'rate-limited', undefined, peer.address);
      return later('Too many check-ins from this address.');
    }
    try {
      const asked = readCheckIn(await readBytes(request, clock, BODY_BYTES_MAX));
      if (asked.id !== 0n && !keys.proves(asked)) {
        events.refused('check-in', 'device-unknown', undefined, peer.address);
        return plain(401, 'This service did not give out that device id and token.');
      }
      const given = asked.id === 0n ? keys.create() : asked;
      return new Response(writeAnswer(given, place, clock.now()), {
        headers: { 'Content-Type': 'application/x-protobuf', 'Cache-Control': 'no-store' },
      });
    } catch (thrown) {
      const { code, detail } = asReveilleError(thrown);
      events.refused('check-in', code === 'internal' ? 'body-invalid' : code, detail, peer.address);
      return later('This is no check-in.');
    }
  };
}

/** 503, which Chromium takes for "in half a minute, then less and less often"; it has no pause for 400, 401 and none is told for 429. */
function later(why: string): Response {
  return plain(503, why, { 'Retry-After': String(RETRY_SECONDS) });
}

export function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
  });
}

function readCheckIn(body: Uint8Array): DeviceCredentials {
  const asked = { id: 0n, token: 0n };
  return readFields(
    body,
    (number, field, into) => {
      if (number === 2) into.id = field.int64() ?? 0n;
      else if (number === 13) into.token = field.fixed64() ?? 0n;
    },
    asked,
  );
}

function writeAnswer(
  { id, token }: DeviceCredentials,
  place: McsPlace,
  now: number,
): Uint8Array<ArrayBuffer> {
  const writer = new PbfWriter();
  writer.writeBooleanField(1, true);
  writer.writeVarintField(3, now);
  for (const setting of Object.entries(settingsFor(place))) writer.writeMessage(5, writeSetting, setting);
  writeFixed64(writer, 7, id);
  writeFixed64(writer, 8, token);
  // Present, or the settings are passed over; false = these are all of them.
  writer.writeBooleanField(9, false);
  return new Uint8Array(writer.finish());
}

function settingsFor({ origin, mcsPort }: McsPlace): Record<string, string> {
  const { chromium } = browserSettings(origin, mcsPort);
  return {
    checkin_interval: String(CHECK_IN_SECONDS),
    checkin_url: chromium.checkinUrl,
    gcm_hostname: new URL(origin).hostname,
    gcm_registration_url: chromium.registrationUrl,
    gcm_secure_port: String(mcsPort),
  };
}

function writeSetting([name, value]: [string, string], writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeStringField(2, value);
}
