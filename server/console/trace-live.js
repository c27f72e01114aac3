// Keeps the trace fresh while something on it may still change. Without script the button Reload does the same.
const everyMs = 2_000;
const partOf = (page) => page.getElementById('life');
let shown = partOf(document).innerHTML;

async function look() {
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => undefined);
    if (answer?.ok) {
      const fresh = partOf(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      // Signed out meanwhile: that page has no such part.
      if (fresh === null) return;
      const { innerHTML } = fresh;
      if (innerHTML !== shown) partOf(document).replaceWith(document.adoptNode(fresh));
      shown = innerHTML;
      if (fresh.dataset.open === undefined) return;
    }
  }
  setTimeout(look, everyMs);
}

setTimeout(look, everyMs);
