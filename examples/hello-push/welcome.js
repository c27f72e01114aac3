import './push-messaging.js';
import { setUpChannel, tellAppServer } from './channel.js';

const outcome = document.querySelector('#outcome');

document.querySelector('#sign-in').addEventListener('click', () => {
  outcome.textContent = 'Waiting for the sign-in window…';
  setUpChannel(true, (channelId, failure) => {
    outcome.textContent = failure ?? `Ready. Your channel is ${channelId}.`;
    if (failure === undefined) tellAppServer(channelId);
  });
});
