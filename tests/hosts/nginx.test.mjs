// nginx - do the lines of nginx-example.conf that stand there commented out do what they say: limits, and two machines' daemons?

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Earshot, freePort, sleep, until, within } from '../system/harness.mjs';
import { listens, siteBehind } from './servers.mjs';

/** The line that begins so without its comment sign, where it must be; `change` makes its own of it. */
const uncomment = (text, begin, change = (line) => line) => {
  assert.ok(text.includes(`#${begin}`), begin);
  return text.replaceAll(new RegExp(`#(${begin}.*)`, 'g'), (_, line) => change(line));
};

test('is a sender past limit_req refused with 429, and an EventSource past either limit told to come back?', async () => {
  const e = await siteBehind('nginx', { alter: (text) => ['limit_req_zone', 'limit_conn_zone', 'limit_req zone', 'limit_conn earshot'].reduce((all, line) => uncomment(all, line), text) });
  after(() => e.stop());
  // More at once than the burst and what a slow machine lets in meanwhile; a reader after every third sender.
  const opened = [];
  const answers = await Promise.all(Array.from({ length: 240 }, (_, i) => (i % 3 < 2 ? e.post('rooms/a/messages', `${i}`, { 'content-type': 'text/plain' })
    : e.open('rooms/a/events', { accept: 'text/event-stream' }).then((stream) => void opened.push(stream)))));
  const sends = answers.filter(Boolean), refused = sends.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && refused.length < sends.length, `${refused.length} of ${sends.length} were refused`);
  assert.equal(sends.filter(({ status }) => status === 201).length, sends.length - refused.length);
  assert.equal(refused[0].json().code, 'refused_by_web_server');
  assert.equal(refused[0].json().status, 429);
  // What nginx answers has its length in front, a stream has none.
  const sentBack = opened.filter(({ headers }) => headers['content-length'] !== undefined);
  assert.ok(sentBack.length > 0 && opened.every(({ status }) => status === 200));
  assert.match(await sentBack[0].all(), /^retry: \d+\n\n$/);
  for (const stream of opened) stream.close();
  await until('the limit lets one in again', async () => (await e.get('livez')).status === 200);
  const streams = [];
  await until('20 streams are open, and no more', async () => {
    const stream = await e.open('rooms/a/events', { accept: 'text/event-stream' });
    streams.push(stream);
    return stream.headers['content-length'] !== undefined && streams.filter((s) => s.headers['content-length'] === undefined).length === 20;
  }, 20000);
  // Not for want of patience: half a second is ten requests.
  await sleep(500);
  const more = await e.open('rooms/a/events', { accept: 'text/event-stream' });
  assert.match(await within(3000, 'the one above the limit is sent back', more.all()), /^retry: \d+\n\n$/);
  for (const stream of streams) stream.close();
});

test('two daemons: does one go on alone when the other is gone, for sends and for streams?', async () => {
  const port = await freePort();
  const e = await siteBehind('nginx', { alter: (text) => uncomment(text, 'server 10', (line) => line.replace('10.0.0.2:9000', `127.0.0.1:${port}`)) });
  const other = await Earshot.start({ redis: e, nginx: false, conf: { listen: `127.0.0.1:${port}` }, daemon: false });
  after(async () => { await other.stop(); await e.stop(); });
  other.daemon = other.program('earshotd', other.binary, ['--config', `${other.dir}/earshot.conf`, '--foreground']);
  await until('the other one listens', () => listens(port));
  // nginx asks nobody of whom it found in the last 2 s that he was not there.
  await sleep(2200);
  const stream = await e.listen('rooms/two/events?as=sse');
  await e.send('two', 'by both');
  await stream.waitContent('by both');
  stream.close();
  await e.daemon.stop();
  // Who sends in the moment in which one goes may have to send again, as clients do.
  for (let i = 0; i < 6; i++) await until('the other one takes it', async () => (await e.post('rooms/two/messages', `by the other ${i}`, { 'content-type': 'text/plain' })).status === 201);
  const again = await e.listen('rooms/two/events?as=sse&since=all');
  await again.waitContent('by the other 5');
  again.close();
});
