// First of all imports: it defines chrome.pushMessaging, and its own listeners must be there in the first turn.
import './push-messaging.js';
import { setUpChannel, tellAppServer } from './channel.js';

chrome.pushMessaging.onMessage.addListener(showPushMessage);
chrome.runtime.onInstalled.addListener(start);
chrome.runtime.onStartup.addListener(start);
chrome.action.onClicked.addListener(explain);

/** The guide's example. The message counts as delivered when the promise that is returned has ended well. */
function showPushMessage(message) {
  return self.registration.showNotification('New notification', {
    body: `${message.payload} [${message.subchannelId}]`,
  });
}

/** Asks without a page first; who is not signed in gets an explanation before any sign-in window. */
function start() {
  setUpChannel(false, (channelId, failure) => {
    if (failure === undefined) void tellAppServer(channelId);
    else explain();
  });
}

function explain() {
  chrome.tabs.create({ url: 'welcome.html' });
}
