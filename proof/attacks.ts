import { connect } from 'node:net';
import { AUTOPUSH_PATH } from '../protocol/browser-settings.ts';
import { CONNECT_PATH } from '../protocol/wire.ts';
import { tryCodes } from './attacks-on-codes.ts';
import { tryFrames } from './attacks-on-frames.ts';
import { tryPackages } from './attacks-on-packages.ts';
import { tryRedirects } from './attacks-on-redirects.ts';
import { trySignIns } from './attacks-on-sign-ins.ts';
import { bearer, type Neighbours, type Try } from './household.ts';
import { tryOddNames } from './odd-names.ts';

const MEGABYTE = 2 ** 20;
/** A server that has said all that it will. */
const SILENCE_MS = 300;
/** One that closes by itself, also when it is slow. */
const LONG_MS = 30_000;

/** What a stranger may try with a real server beyond credentials. */
export async function tryAttacks(neighbours: Neighbours): Promise<readonly Try[]> {
  return [
    ...(await tryRedirects(neighbours)),
    ...(await trySmuggling(neighbours)),
    ...(await tryOversized(neighbours)),
    ...(await tryPackages(neighbours)),
    ...(await trySignIns(neighbours)),
    ...(await tryCodes(neighbours)),
    ...(await tryFrames(neighbours)),
    ...(await tryOddNames(neighbours)),
  ];
}

/** Writes bytes as they are, and answers all that comes back. */
function sayRaw(origin: string, text: string, silenceMs = SILENCE_MS): Promise<string> {
  const { port, hostname } = new URL(origin);
  const socket = connect(Number(port), hostname);
  let heard = '';
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('data', (data) => {
      heard += data;
    });
    socket.on('close', () => resolve(heard));
    socket.write(text);
  });
}

/** Two readings of where a request ends: what a proxy would take for a body must not be answered as a request. */
async function trySmuggling({ running }: Neighbours): Promise<readonly Try[]> {
  const inner = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n';
  const post = 'POST /gcm_for_chrome/v1/messages HTTP/1.1\r\nHost: x\r\n';
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const length = (bytes: number) => `Content-Length: ${bytes}\r\n`;
  const heads = {
    'length and chunks': `${post}${length(inner.length + 5)}${chunked}\r\n0\r\n\r\n${inner}`,
    'chunks and length': `${post}${chunked}${length(inner.length + 5)}\r\n0\r\n\r\n${inner}`,
    'two lengths': `${post}${length(0)}${length(inner.length)}\r\n${inner}`,
    'a length with a sign': `${post}Content-Length: +0\r\n\r\n${inner}`,
    'a length before a colon with space': `${post}Content-Length : 0\r\n\r\n${inner}`,
    'chunks by another name': `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`,
    'chunks twice': `${post}${chunked}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${inner}`,
    'a null byte in a header': `${post}X: a\0b\r\n${length(0)}\r\n${inner}`,
    'a folded header': `${post}X: a\r\n b\r\n${length(0)}\r\n${inner}`,
  };
  const tries: Try[] = [];
  for (const [what, text] of Object.entries(heads)) {
    const heard = await sayRaw(running.origin, text);
    tries.push({ what: `smuggling by ${what}`, held: !heard.includes('\r\n\r\nok\n'), told: heard });
  }
  for (const path of [
    '/static/../../../etc/passwd',
    '/static/%2e%2e/%2e%2e/package.json',
    '/docs/..%2f..%2fpackage.json',
    '/client/..%5c..%5cpackage.json',
    '/static/%00',
  ]) {
    const heard = await sayRaw(
      running.origin,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      LONG_MS,
    );
    tries.push({ what: `path ${path}`, held: /^HTTP\/1.1 4/.test(heard), told: heard.slice(0, 200) });
  }
  return tries;
}

/** What is larger than anything that is right is refused, and the server answers others as before. */
async function tryOversized({ running, mine }: Neighbours): Promise<readonly Try[]> {
  const { origin } = running;
  const tries: Try[] = [];
  const large = 'x'.repeat(MEGABYTE);
  const heard = await sayRaw(origin, `GET / HTTP/1.1\r\nHost: x\r\nX: ${large}\r\n\r\n`);
  tries.push({
    what: 'a header of a megabyte',
    held: !heard.startsWith('HTTP/1.1 2'),
    told: heard.slice(0, 80),
  });
  for (const path of ['/gcm_for_chrome/v1/messages', '/v2/messages', '/v2/devices', '/o/oauth2/token']) {
    const headers = { ...bearer(mine.token), 'Content-Type': 'application/json' };
    const body = JSON.stringify({ payload: large });
    const { status } = await fetch(origin + path, { method: 'POST', headers, body });
    tries.push({
      what: `a body of a megabyte at ${path}`,
      held: status >= 400 && status < 500,
      told: `${status}`,
    });
  }
  for (const path of [CONNECT_PATH, AUTOPUSH_PATH]) {
    const socket = new WebSocket(origin.replace('http', 'ws') + path);
    const code = await new Promise<number>((resolve) => {
      socket.onopen = () => socket.send(large);
      socket.onclose = (event) => resolve(event.code);
    });
    tries.push({ what: `a frame of a megabyte at ${path}`, held: code !== 1_000, told: `${code}` });
  }
  for (const payload of ['\ud800', 'a'.repeat(257), '\u00e9'.repeat(129)]) {
    const message = { channelId: mine.seed.channel_id, subchannelId: 0, payload };
    const headers = { ...bearer(mine.token), 'Content-Type': 'application/json' };
    const answer = await fetch(`${origin}/gcm_for_chrome/v1/messages`, {
      ...{ method: 'POST', headers, body: JSON.stringify(message) },
    });
    tries.push({
      what: `a payload of ${payload.length} characters`,
      held: answer.status === 400,
      told: `${answer.status}`,
    });
  }
  const well = (await fetch(`${origin}/healthz`)).status;
  return [...tries, { what: 'the server after all that', held: well === 200, told: `${well}` }];
}
