// first.js - the newest messages at once, as plain text, while all the rest is still on its way; the page then takes their place.

const NAME = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}|@[A-Za-z0-9._,-]{1,400})$/;
const LAST_ROOM = 'earshot room', THEME = 'earshot theme';
const ROWS = 18;
const FRESH_MS = 3000; // so long an answer is as good as one asked for now
const PATIENCE_MS = 200; // in which the rest waits for the first messages, not to be in their way

export const kept = {
  get(place) { try { return localStorage.getItem(place); } catch { return null; } },
  set(place, value) { try { localStorage.setItem(place, value); } catch { /* not kept */ } },
  room: LAST_ROOM,
  theme: THEME,
};

/** The room of the address, or the last one. */
export function wanted() {
  let name = '';
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* no name */ }
  return NAME.test(name) ? name : kept.get(LAST_ROOM) ?? 'lobby';
}

const early = new Map(); // address -> promise of its answer

function ask(where) {
  const url = new URL(`v1/${where}`, document.baseURI).href;
  const answer = fetch(url, { cache: 'no-store', headers: { Accept: 'application/json' } });
  early.set(url, answer);
  return answer;
}

/** fetch, which takes what was asked here already. */
export function fetchOnce(url, options) {
  const answer = options.method === 'GET' && early.get(url);
  if (!answer) return fetch(url, options);
  early.delete(url);
  return answer.then((response) => response.clone());
}

const element = (tag, className, text = '') => Object.assign(document.createElement(tag), { className, textContent: text });

async function paint(asked, root) {
  const { events = [] } = await (await asked).clone().json();
  let before = null;
  const rows = events.filter(({ content, target }) => content && !target).slice(-ROWS).map(({ name = 'anonymous', content }) => {
    const first = name !== before, message = element('div', `message ${first ? 'first' : 'next'}`), body = element('div', 'body');
    before = name;
    if (first) body.append(element('p', 'head'));
    body.firstChild?.append(element('bdi', 'name', name));
    body.append(Object.assign(element('div', 'text', content), { dir: 'auto' }));
    message.append(element('span', 'place'), body);
    return message;
  });
  root.append(...rows); // where the page was quicker, this is no longer in the document
}

/** The page itself, once. */
function rest() {
  const template = document.getElementById('rest');
  template?.replaceWith(template.content);
}

if (kept.get(THEME)) document.documentElement.dataset.theme = kept.get(THEME);
export const first = wanted(); // the room of which the messages are asked for, as client/room.js does
const newest = ask(`rooms/${encodeURIComponent(first).replaceAll('%40', '@').replaceAll('%2C', ',')}/messages?limit=50`);
ask('auth/me').catch(() => { /* asked again, and told, by the client */ });
paint(newest, document.getElementById('first')).catch(() => { /* likewise */ }).then(() => requestAnimationFrame(() => setTimeout(rest))); // behind the frame that shows them
setTimeout(rest, PATIENCE_MS);
setTimeout(() => early.clear(), FRESH_MS);
