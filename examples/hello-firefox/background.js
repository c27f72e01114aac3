// First of all imports: it defines chrome.pushMessaging, and its own listeners must be there in the first turn.
import './push-messaging.js';

chrome.pushMessaging.onMessage.addListener(showPushMessage);
chrome.runtime.onInstalled.addListener(tellRedirect);
chrome.action.onClicked.addListener(signIn);

/** The guide's example. The message counts as delivered when the promise that is returned has ended well. */
function showPushMessage({ payload, subchannelId }) {
  return chrome.notifications.create({
    type: 'basic',
    iconUrl: 'icon.png',
    title: 'New notification',
    message: `${payload} [${subchannelId}]`,
  });
}

function tellRedirect() {
  console.info(`The redirect URI to register at the push service: ${chrome.identity.getRedirectURL()}`);
}

/** The window opens at the user's click; where the browser was not asked for notifications yet, a tab follows. */
async function signIn() {
  const { channelId } = await chrome.pushMessaging.getChannelId(true);
  console.info(`Ready. The channel is ${channelId}.`);
}
