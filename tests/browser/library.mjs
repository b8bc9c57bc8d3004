// library.mjs - pages with nothing but the client library in them, and what one asks them.

import { person, slow } from './browser.mjs';

/** A page with an Earshot in it: `page` is playwright's. What it was told stands in its globals: told, states, errors. */
export class Tab {
  constructor(page) { this.page = page; }

  /** Runs a function in the page, which sees `earshot` and `rooms` (by name). */
  run(what, argument) { return this.page.evaluate(what, argument); }
  /** Waits until a function in the page gives something true. */
  async until(what, argument, ms = 15000) {
    try {
      await this.page.waitForFunction(what, argument, { timeout: ms * slow, polling: 30 });
    } catch (error) {
      const seen = await this.run(() => JSON.stringify({ connection: globalThis.earshot.connection, states: globalThis.states.slice(-12), rooms: globalThis.rooms }, (name, value) => (Array.isArray(value) ? value.slice(-12) : value))).catch(() => '');
      throw new Error(`${error.message}\n${what}\n${seen}`);
    }
  }


  live(transport) {
    return this.until((wanted) => globalThis.earshot.connection.state === 'live' && (!wanted || globalThis.earshot.connection.transport === wanted)
      && Object.values(globalThis.rooms).every(({ state }) => state.loaded), transport);
  }

  state(state) { return this.until((wanted) => globalThis.earshot.connection.state === wanted, state); }
  shown(content, room = 'lobby') { return this.until(([text, name]) => globalThis.rooms[name].state.messages.some((m) => m.content === text && m.state === 'sent'), [content, room]); }
  /** The list as it is shown, and what `event` told, each in order. */
  contents(room = 'lobby') { return this.run((name) => globalThis.rooms[name].state.messages.map(({ content }) => content), room); }
  told(room = 'lobby') { return this.run((name) => globalThis.told.filter((e) => e.room === name && e.type === 'message').map(({ content }) => content), room); }
  send(content, room = 'lobby') { return this.run(([text, name]) => globalThis.rooms[name].send(text).key, [content, room]); }
  close() { return this.page.close(); }
}

/**
 * Opens the library in a tab of somebody's browser. `options` are Earshot's; `tokens`: the name of a function of the page
 * that gives tokens; `at`: where the page lies; `init(page)`: before anything is loaded; `rooms`: to be joined.
 */
export async function open(who, { at, options = {}, rooms = ['lobby'], tokens = null, init = null } = {}) {
  const page = who.page.url() === 'about:blank' ? who.page : await who.tab();
  await page.route('**/blank.html', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>blank</title>' }));
  await init?.(page);
  await page.goto(`${at}blank.html`);
  const tab = new Tab(page);
  await tab.run(start, [options, rooms, tokens]);
  return tab;
}

/** The same page again, as after a reload. */
export async function reload(tab, { options = {}, rooms = ['lobby'], tokens = null } = {}) {
  await tab.page.reload();
  await tab.run(start, [options, rooms, tokens]);
}

async function start([given, names, tokens]) {
  const { Earshot } = await import('./earshot.js');
  Object.assign(globalThis, { told: [], states: [], rooms: {}, leave: {} });
  const earshot = globalThis.earshot = new Earshot({ url: 'v1', ...given, ...(tokens ? { token: () => globalThis[tokens]() } : {}) });
  earshot.on('event', (event) => globalThis.told.push(event));
  earshot.on('connection', (status) => globalThis.states.push(`${status.state} ${status.transport}`));
  globalThis.joinRoom = (name) => {
    globalThis.rooms[name] = earshot.room(name);
    globalThis.leave[name] = globalThis.rooms[name].join();
  };
  names.forEach(globalThis.joinRoom);
}

const idle = []; // people whose browsers others may have: to begin a new one takes a second

/** So many people, each with a browser of their own and the library open in it; give them back by closed(). */
export async function people(...all) {
  const tabs = [];
  for (const options of all) {
    const who = (options.init ? null : idle.pop()) ?? await person();
    tabs.push(Object.assign(await open(who, options), { who, own: Boolean(options.init) }));
  }
  return tabs;
}

/** Nothing was thrown in their pages, and they go: at the end of a test. */
export async function closed(...tabs) {
  for (const { who, own } of tabs) {
    who.clean();
    if (own) {
      await who.context.close();
      continue;
    }
    for (const page of who.context.pages()) if (page !== who.page) await page.close();
    await who.context.setOffline(false);
    await who.page.evaluate(() => { globalThis.earshot?.close(); sessionStorage.clear(); });
    await who.page.unrouteAll({ behavior: 'ignoreErrors' });
    await who.context.clearCookies();
    await who.page.goto('about:blank');
    who.errors.length = 0;
    idle.push(who);
  }
}

export const numbers = (count, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);
