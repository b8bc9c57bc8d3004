// sw.js - keeps the shell of the page, so that it opens without a network. What the API says is never kept and never seen here.
//
// While the server answers, files come from it as if this were not here: going through a worker costs each of them time.

const CACHE = 'earshot-shell';
const scope = self.registration.scope;
const api = new URL('v1/', scope).href;
let down = false; // the server did not answer the last time that a page was opened

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(Promise.all([
  self.clients.claim(), self.registration.navigationPreload?.enable(),
])));

/** The page says which files it consists of. */
self.addEventListener('message', (event) => event.waitUntil(keep(event.data.filter((url) => url.startsWith(scope) && !url.startsWith(api)))));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(scope) || request.url.startsWith(api)) return;
  if (request.mode === 'navigate') event.respondWith(open(event));
  else if (down || !navigator.onLine) event.respondWith(kept(request).then((response) => response ?? fetch(request)));
});

async function keep(urls) {
  const cache = await caches.open(CACHE);
  await Promise.all(urls.map((url) => cache.add(url).catch(() => { /* another time */ })));
}

const kept = async (request) => (await caches.open(CACHE)).match(request, { ignoreSearch: request.mode === 'navigate' });

async function open(event) {
  try {
    const response = await event.preloadResponse ?? await fetch(event.request);
    down = false;
    return response;
  } catch (error) {
    const response = await kept(event.request);
    if (!response) throw error;
    down = true;
    return response;
  }
}
