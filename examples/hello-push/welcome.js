import './push-messaging.js';
import { setUpChannel, tellAppServer } from './channel.js';

const outcome = document.querySelector('#outcome');

document.querySelector('#sign-in').addEventListener('click', () => {
  outcome.textContent = 'Waiting for the sign-in window…';
  setUpChannel(true, async (channelId, failure) => {
    if (failure === undefined) await tellAppServer(channelId);
    outcome.textContent = failure ?? `Ready. Your channel is ${channelId}.`;
  });
});
