// The app server of Hello Push: keeps the channel ids that the extension sends, and sends messages to them.
import { createServer } from 'node:http';

const {
  REVEILLE = 'http://127.0.0.1:8030',
  CLIENT_ID,
  CLIENT_SECRET,
  REFRESH_TOKEN,
  PORT = '8031',
} = process.env;
const channels = new Set();
let token = { value: '', ends: 0 };

async function accessToken() {
  if (Date.now() < token.ends) return token.value;
  const form = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, refresh_token: REFRESH_TOKEN };
  const body = new URLSearchParams({ ...form, grant_type: 'refresh_token' });
  const answer = await (await fetch(`${REVEILLE}/o/oauth2/token`, { method: 'POST', body })).json();
  token = { value: answer.access_token, ends: Date.now() + (answer.expires_in - 60) * 1000 };
  return token.value;
}

async function send(channelId, subchannelId, payload) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${await accessToken()}` };
  const body = JSON.stringify({ channelId, subchannelId, payload });
  const answer = await fetch(`${REVEILLE}/gcm_for_chrome/v1/messages`, { method: 'POST', headers, body });
  if (answer.status !== 204) throw new Error(await answer.text());
}

createServer(async (request, response) => {
  const body = (await request.toArray()).join('');
  response
    .setHeader('Access-Control-Allow-Origin', '*')
    .setHeader('Access-Control-Allow-Headers', 'content-type');
  if (request.method !== 'POST') return response.end();
  const { channelId, subchannelId = 0, payload = 'Thanks for installing my app!' } = JSON.parse(body);
  if (request.url === '/channels') channels.add(channelId);
  const to = request.url === '/channels' ? [channelId] : [...channels];
  const sent = to.map((channel) => send(channel, subchannelId, payload));
  const failed = (await Promise.allSettled(sent)).find((one) => one.status === 'rejected');
  response.writeHead(failed ? 502 : 204).end(failed?.reason.message);
}).listen(Number(PORT), '127.0.0.1', function () {
  console.log(`Hello Push listens on http://127.0.0.1:${this.address().port}`);
});
