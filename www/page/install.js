// install.js - the worker, for who has installed the page, and expects that it opens without a network. Through it each file of
// a visit takes longer, so that nobody else gets it.

const KEEP_AFTER_MS = 3000;
const LATER = ['./', 'client/fallbacks.js', 'page/dialogs.js', 'view/dialog.js', 'view/dialog.css', 'view/picker.js', 'view/picker.css', 'view/thread.js', 'vendor/emoji.json'];

const policy = globalThis.trustedTypes?.createPolicy('earshot', { createScriptURL: (text) => text });
const script = new URL('../sw.js', import.meta.url).href;
navigator.serviceWorker.register(policy ? policy.createScriptURL(script) : script).catch(() => { /* without TLS there is none */ });
navigator.serviceWorker.ready.then(({ active }) => setTimeout(() => {
  const files = LATER.map((file) => new URL(file, document.baseURI).href);
  active.postMessage([...files, ...performance.getEntriesByType('resource').map(({ name }) => name)]);
}, KEEP_AFTER_MS));
