/** Calls back with the channel id, or with '' and the sentence that says why there is none. */
export function setUpChannel(interactive, callback) {
  chrome.pushMessaging.getChannelId(interactive, ({ channelId }) => {
    callback(channelId, chrome.runtime.lastError?.message);
  });
}

/** The app server sends to this channel from now on. */
export async function tellAppServer(channelId) {
  const { app_server } = chrome.runtime.getManifest().hello_push;
  await fetch(`${app_server}/channels`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ channelId }),
  }).catch(() => console.info(`The app server at ${app_server} does not run.`));
}
