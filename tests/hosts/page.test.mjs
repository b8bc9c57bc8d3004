// page - do two people chat on the page in real browsers behind plain CGI, with no daemon at all?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { marked } from '../system/harness.mjs';
import { person, picture } from '../browser/browser.mjs';
import { programs, quickstart } from './quickstart.mjs';

async function come(q, name) {
  const who = await person(), { page } = who;
  await page.goto(`${q.page}#lobby`);
  await page.locator('.name-bar input').fill(name);
  await page.locator('.name-bar').getByText('Join').click();
  await page.locator('.me .avatar').waitFor({ state: 'attached' });
  await page.locator('.connection.good').waitFor({ state: 'attached' });
  who.write = async (text) => { await page.locator('#chat textarea').fill(text); await page.locator('#chat textarea').press('Enter'); };
  who.message = (text) => page.locator('#chat .message', { hasText: text });
  return who;
}

test('apache-cgi: do two people chat?', async () => {
  const q = await quickstart('apache-cgi');
  assert.deepEqual(programs(q), ['apache-cgi', 'redis']);
  const [dora, bob] = [await come(q, 'Dora'), await come(q, 'Bob')];
  await dora.page.locator('.people bdi', { hasText: 'Bob' }).waitFor();
  await dora.write('Hello, each message a process');
  await bob.message('Hello, each message a process').waitFor();
  await bob.write('And each stream another');
  await dora.message('And each stream another').waitFor();
  assert.deepEqual(marked(`TEST_MARK=${q.mark}`).filter(({ name }) => /earshotd/.test(name)), []);
  await picture(dora.page, 'hosts-apache-cgi');
  for (const who of [dora, bob]) {
    who.clean();
    await who.context.close();
  }
  assert.equal(await q.stop(), 0, q.out);
});
