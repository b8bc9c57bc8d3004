// nginx - do the lines of nginx-example.conf that stand there commented out do what they say: limits, and two machines' daemons?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Earshot, freePort, until } from '../system/harness.mjs';
import { siteBehind } from './servers.mjs';

/** The line that begins so without its comment sign, where it must be; `change` makes its own of it. */
const uncomment = (text, begin, change = (line) => line) => {
  assert.ok(text.includes(`#${begin}`), begin);
  return text.replaceAll(new RegExp(`#(${begin}.*)`, 'g'), (_, line) => change(line));
};

test('is a sender past limit_req refused with 429, and an EventSource past either limit told to come back?', async () => {
  const e = await siteBehind('nginx', { alter: (text) => ['limit_req_zone', 'limit_conn_zone', 'limit_req zone', 'limit_conn earshot'].reduce((all, line) => uncomment(all, line), text) });
  after(() => e.stop());
  const answers = await Promise.all(Array.from({ length: 80 }, (_, i) => e.post('rooms/a/messages', `${i}`, { 'content-type': 'text/plain' })));
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && refused.length < 60, `${refused.length} of 80 were refused`);
  assert.equal(answers.filter(({ status }) => status === 201).length, 80 - refused.length);
  assert.equal(refused[0].json().code, 'refused_by_web_server');
  assert.equal(refused[0].json().status, 429);
  const over = await e.get('rooms/a/events', { accept: 'text/event-stream' });
  assert.equal(over.status, 200);
  assert.match(over.text, /^retry: \d+\n\n$/);
  await until('the limit lets one in again', async () => (await e.get('livez')).status === 200);
  const streams = [];
  await until('20 streams are open, and no more', async () => {
    const stream = await e.open('rooms/a/events', { accept: 'text/event-stream' });
    streams.push(stream);
    return stream.headers['content-length'] !== undefined && streams.filter((s) => s.headers['content-length'] === undefined).length === 20;
  }, 20000);
  for (const stream of streams) stream.close();
});

test('two daemons: does one go on alone when the other is gone, for sends and for streams?', async () => {
  const port = await freePort();
  const e = await siteBehind('nginx', { alter: (text) => uncomment(text, 'server 10', (line) => line.replace('10.0.0.2:9000', `127.0.0.1:${port}`)) });
  const other = await Earshot.start({ redis: e, nginx: false, conf: { listen: `127.0.0.1:${port}` }, daemon: false });
  after(async () => { await other.stop(); await e.stop(); });
  other.daemon = other.program('earshotd', other.binary, ['--config', `${other.dir}/earshot.conf`, '--foreground']);
  const served = () => Promise.all(Array.from({ length: 12 }, async () => (await e.get('livez')).status));
  await until('both are asked', async () => (await served()).every((status) => status === 200) && /listening|ready|started/.test(other.daemonLog()));
  const stream = await e.listen('rooms/two/events?as=sse');
  await e.send('two', 'by both');
  await stream.waitContent('by both');
  stream.close();
  await e.daemon.stop();
  for (let i = 0; i < 6; i++) await e.send('two', `by the other ${i}`);
  const again = await e.listen('rooms/two/events?as=sse&since=all');
  await again.waitContent('by the other 5');
  again.close();
});
