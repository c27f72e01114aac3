import { subscribeAndTell } from './subscribe.ts';

/** Shows the one section of the page that is so named. */
function show(name: string): void {
  for (const section of document.querySelectorAll<HTMLElement>('[data-state]'))
    section.hidden = section.dataset.state !== name;
}

async function begin(): Promise<void> {
  show('working');
  try {
    await navigator.serviceWorker.register('/wake/worker.js');
    await subscribeAndTell((await navigator.serviceWorker.ready).pushManager);
    show('done');
  } catch (error) {
    console.error(error);
    show('failed');
  }
}

/** A browser asks its user only while a click is being handled. */
async function ask(): Promise<void> {
  const answer = await Notification.requestPermission();
  if (answer === 'granted') await begin();
  else show(answer === 'denied' ? 'denied' : 'ask');
}

for (const button of document.querySelectorAll('button')) button.addEventListener('click', () => void ask());
if (!('PushManager' in globalThis)) show('failed');
else if (Notification.permission === 'granted') void begin();
else show(Notification.permission === 'denied' ? 'denied' : 'ask');
