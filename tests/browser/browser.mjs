// browser.mjs - a real Chromium, driven by playwright-core: a fresh profile for each person, a server of its own for each file.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import { chromium } from 'playwright-core';
import { root, slow, SECRET, tokenOf } from '../system/harness.mjs';
import { siteOf } from '../system/site.mjs';

export { slow, SECRET, tokenOf };

/** Where pictures of what was seen are kept, for whoever looks at a run. */
export const pictures = path.join(root, 'build', 'screenshots');

/** Debian's chromium: the program itself, not the script around it, which reads files of the home directory. */
const program = ['/usr/lib/chromium/chromium', '/usr/bin/chromium'].find((file) => fs.existsSync(file));

const axe = fs.readFileSync(path.join(root, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');

let browser = null;
// A page that a test makes up has no address, and would have to ask before it speaks to one of this machine.
const ARGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-features=LocalNetworkAccessChecks'];
const launch = () => (browser ??= chromium.launch({ executablePath: program, args: ARGS }));
after(async () => { await (await browser)?.close(); });

/** One server, and its `page`: the address of the page. */
export async function serve(conf = {}) {
  const [server] = await siteOf(1, conf);
  server.page = `${server.origin}/chat/`;
  return server;
}

/**
 * Somebody with a browser: { context, page, errors }. `errors` collects what the page throws, what it reports, and every
 * breach of its Content-Security-Policy; clean() says that there was nothing. `options` are those of a browser context.
 */
export async function person(options = {}) {
  const context = await (await launch()).newContext({ locale: 'en-GB', timezoneId: 'UTC', viewport: { width: 1280, height: 800 }, ...options });
  const who = { context, errors: [] };
  who.watch = (page) => {
    page.on('pageerror', (error) => who.errors.push(`thrown: ${error.stack ?? error}`));
    page.on('console', (message) => {
      const text = message.text();
      // What a page is refused or cannot reach is told as an error of the network, which the tests bring about.
      if (message.type() === 'error' && !/^Failed to load resource|net::ERR_/.test(text)) who.errors.push(`said: ${text}`);
    });
    page.on('dialog', (dialog) => { who.errors.push(`dialog: ${dialog.message()}`); dialog.dismiss().catch(() => {}); });
    return page;
  };
  context.on('page', who.watch);
  who.page = await context.newPage();
  who.page.setDefaultTimeout(10000 * slow);
  who.tab = async () => { const page = await context.newPage(); page.setDefaultTimeout(10000 * slow); return page; };
  who.clean = () => assert.deepEqual(who.errors, []);
  return who;
}

/** A picture of a page in build/screenshots/NAME.png. */
export async function picture(page, name, options = {}) {
  fs.mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), ...options });
}

/** No violation that axe knows of; `where` says which view of somebody's page it was. */
export async function accessible({ page, errors }, where) {
  const before = errors.length;
  // By the debugger, which a page's policy does not hold for.
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`), [], where);
  // axe tries styles of its own, which the policy refuses it.
  errors.push(...errors.splice(before).filter((error) => !/inline style/.test(error)));
}
