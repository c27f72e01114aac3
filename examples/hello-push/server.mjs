// The app server of Hello Push: keeps the channel ids that the extension sends, and sends messages to them.
import { createServer } from 'node:http';

const { REVEILLE = 'http://127.0.0.1:8030', PORT = '8031', ...env } = process.env;
const client = { client_id: env.CLIENT_ID, client_secret: env.CLIENT_SECRET };
const refresh = { ...client, refresh_token: env.REFRESH_TOKEN, grant_type: 'refresh_token' };
const cors = new Headers({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*' });
const channels = new Set();
let token = { value: '', ends: 0 };

async function accessToken() {
  if (Date.now() < token.ends) return token.value;
  const body = new URLSearchParams(refresh);
  const answer = await (await fetch(`${REVEILLE}/o/oauth2/token`, { method: 'POST', body })).json();
  token = { value: answer.access_token, ends: Date.now() + (answer.expires_in - 60) * 1000 };
  return token.value;
}

async function send(message) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${await accessToken()}` };
  const request = { method: 'POST', headers, body: JSON.stringify(message) };
  const answer = await fetch(`${REVEILLE}/gcm_for_chrome/v1/messages`, request);
  if (answer.status !== 204) throw new Error(await answer.text());
}

const server = createServer(async (request, response) => {
  response.setHeaders(cors);
  const body = (await request.toArray()).join('');
  if (request.method !== 'POST') return response.end();
  const { channelId, subchannelId = 0, payload = 'Thanks for installing my app!' } = JSON.parse(body);
  if (request.url === '/channels') channels.add(channelId);
  const to = request.url === '/channels' ? [channelId] : [...channels];
  const sending = to.map((id) => send({ channelId: id, subchannelId, payload }));
  const failed = (await Promise.allSettled(sending)).find(({ status }) => status === 'rejected');
  response.writeHead(failed ? 502 : 204).end(failed?.reason.message);
}).listen(Number(PORT), '127.0.0.1');
server.on('listening', () => console.log(`Hello Push listens on http://127.0.0.1:${server.address().port}`));
