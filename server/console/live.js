/**
 * Draws the live part of a page anew every few seconds, while somebody looks at it. The server draws; this only fetches the same
 * page, so who may no longer see it gets no more of it.
 */
const everyMs = 5_000;

/** True when the page was drawn anew. */
async function redraw() {
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
  if (!answer.ok || answer.redirected) return false;
  const fresh = new DOMParser()
    .parseFromString(await answer.text(), 'text/html')
    .querySelector('#live[data-live]');
  const shown = document.querySelector('#live');
  if (fresh === null || shown === null) return false;
  // Whoever walks through the page with the keyboard must not lose the place; what was opened stays open.
  if (document.querySelector(':focus-visible') !== null) return true;
  const open = [...shown.querySelectorAll('details')].map((details) => details.open);
  for (const [index, details] of fresh.querySelectorAll('details').entries())
    details.open = open[index] ?? false;
  shown.replaceWith(fresh);
  return true;
}

async function run() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (document.hidden) continue;
    // The server may be starting again: a failed call is tried again, a refusal is final.
    if (!(await redraw().catch(() => true))) return;
  }
}

void run();
