/**
 * Sends the forms that have a place for it (`.upload`) by itself, to show how much has arrived; without script the browser sends
 * them. What the server answers is shown as the browser would: the page that a redirect leads to, or the page itself.
 */
const underWay = new WeakSet();

/** Screen readers hear of each quarter; every step would drown what they read. */
const quarterOf = ({ loaded, total }) => Math.floor((4 * loaded) / total) * 25;

function showAnswer(action, { responseURL, responseText }) {
  if (responseURL !== action) {
    location.assign(responseURL);
    return;
  }
  const answer = new DOMParser().parseFromString(responseText, 'text/html');
  document.title = answer.title;
  document.body.replaceWith(document.adoptNode(answer.body));
  scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

function send(form, submitter) {
  const [bar, words] = form.querySelectorAll('.upload > *');
  const action = new URL(form.getAttribute('action'), location.href).href;
  const call = new XMLHttpRequest();
  const say = (text) => {
    if (words.textContent !== text) words.textContent = text;
  };
  underWay.add(form);
  words.classList.remove('wrong');
  bar.hidden = false;
  bar.value = 0;
  say('Uploading…');
  call.upload.addEventListener('progress', (arrived) => {
    bar.value = arrived.loaded / arrived.total;
    if (quarterOf(arrived) > 0 && arrived.loaded < arrived.total) say(`${quarterOf(arrived)} % has arrived.`);
  });
  call.upload.addEventListener('load', () => {
    bar.removeAttribute('value');
    say('Everything has arrived and is being checked.');
  });
  call.addEventListener('load', () => {
    underWay.delete(form);
    showAnswer(action, call);
  });
  call.addEventListener('error', () => {
    underWay.delete(form);
    bar.hidden = true;
    words.classList.add('wrong');
    say('The upload broke off. Check the connection and the size of the file, then send it again.');
  });
  call.open('POST', action);
  call.send(new FormData(form, submitter));
}

document.addEventListener('submit', (event) => {
  if (event.target.querySelector('.upload') === null) return;
  event.preventDefault();
  if (!underWay.has(event.target)) send(event.target, event.submitter);
});
