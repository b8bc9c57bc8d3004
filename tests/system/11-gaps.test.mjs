// Is a reader told, in the stream, whenever events are lost to it, and never otherwise?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chaos } from '../torture/chaos.mjs';
import { Earshot, forFile, sleep, until } from './harness.mjs';

const e = await forFile({ conf: { history_max: 100000 } });

const key = (room) => `earshot:{main/${room}}:log`;
const FORMS = ['sse', 'ndjson', 'text'];

async function fill(room, count) {
  const ids = [];
  for (let i = 0; i < count; i++) ids.push((await e.send(room, `${i}`)).id);
  return ids;
}

test('trimmed: does a reader behind the oldest kept get a gap, then all that is kept?', async (t) => {
  for (const form of FORMS) {
    await t.test(form, async () => {
      const room = `trim-${form}`;
      const ids = await fill(room, 10);
      await e.redisCli('xtrim', key(room), 'MAXLEN', '4');
      const stream = await e.listen(`rooms/${room}/events?as=${form}&since=${ids[2]}`);
      const gap = await stream.waitType('gap');
      await stream.waitContent('9');
      assert.deepEqual(stream.contents, ['6', '7', '8', '9']);
      assert.ok(stream.items.indexOf(gap) < stream.items.findIndex((i) => i.content === '6'));
      if (form !== 'text') {
        assert.equal(gap.event.room, room);
        assert.equal(gap.event.requested, ids[2]);
        assert.equal(gap.event.oldest, ids[6]);
      } else {
        assert.ok(gap.line.includes(ids[2]) && gap.line.includes(ids[6]), gap.line);
      }
      stream.close();
    });
  }
});

test('trimmed: does the long-poll say it too, and go on?', async () => {
  const ids = await fill('trim-json', 6);
  await e.redisCli('xtrim', key('trim-json'), 'MAXLEN', '2');
  const { events, cursor } = (await e.get(`rooms/trim-json/events?since=${ids[1]}&wait=5`)).json();
  assert.deepEqual(events.map((x) => x.type === 'gap' ? 'gap' : x.content), ['gap', '4', '5']);
  const next = (await e.get(`rooms/trim-json/events?since=${cursor}&wait=0`)).json();
  assert.deepEqual(next.events, []);
});

test('trimmed just up to the cursor: is there no gap, since nothing is lost?', async () => {
  const ids = await fill('trim-edge', 6);
  await e.redisCli('xtrim', key('trim-edge'), 'MAXLEN', '3');
  for (const since of [ids[2], ids[3]]) {
    const { events } = (await e.get(`rooms/trim-edge/events?since=${since}&wait=5`)).json();
    assert.deepEqual(events.filter((x) => x.type === 'gap'), [], since);
  }
});

test('after a since=all reader: is one with a trimmed cursor still told, by every hub?', async () => {
  const ids = await fill('trim-then-all', 6);
  await e.redisCli('xtrim', key('trim-then-all'), 'MAXLEN', '2');
  for (let i = 0; i < 4; i++) await e.get('rooms/trim-then-all/events?since=all&wait=5');
  for (let i = 0; i < 4; i++) {
    const { events } = (await e.get(`rooms/trim-then-all/events?since=${ids[0]}&wait=5`)).json();
    assert.deepEqual(events.map((x) => x.type), ['gap', 'message', 'message']);
    assert.equal(events[0].requested, ids[0]);
    assert.equal(events[0].oldest, ids[4]);
  }
});

test('a log that was emptied and begun again: is one who comes back told?', async () => {
  const ids = await fill('emptied', 3);
  await e.redisCli('del', key('emptied'));
  await e.send('emptied', 'four');
  const { events } = (await e.get(`rooms/emptied/events?since=${ids[0]}&wait=5`)).json();
  assert.deepEqual(events.map((x) => x.type), ['gap', 'message']);
});

test('all trimmed away, then a new one: is one who comes back told?', async () => {
  const ids = await fill('trim-empty', 3);
  await e.redisCli('xtrim', key('trim-empty'), 'MAXLEN', '0');
  await e.send('trim-empty', 'four');
  const ask = async (since) => (await e.get(`rooms/trim-empty/events?since=${since}&wait=5`)).json().events.map((x) => x.type);
  assert.deepEqual(await ask(ids[0]), ['gap', 'message']);
  assert.deepEqual(await ask(ids[2]), ['message']);
});

test('a reader that began by time and saw nothing: does it come back without a gap?', async () => {
  await fill('by-time', 2);
  const first = await e.listen('rooms/by-time/events?as=sse&since=10m&types=rare');
  const hello = await first.waitType('hello');
  const cursor = first.cursor;
  first.close();
  const { events } = (await e.get(`rooms/by-time/events?since=${cursor}&wait=5`)).json();
  assert.deepEqual(events.map((x) => x.type), ['message', 'message'], JSON.stringify(hello));
});

test('a reader that began by time in a room that is silent since: does it come back without a gap?', async () => {
  for (const room of ['silent', 'silent-empty']) {
    if (room === 'silent') await fill(room, 2);
    await sleep(1100);
    const first = await e.listen(`rooms/${room}/events?as=sse&since=1`);
    await first.waitType('hello');
    first.close();
    const poll = (await e.get(`rooms/${room}/events?since=1&wait=0`)).json();
    for (const since of [first.cursor, poll.cursor]) {
      const back = e.get(`rooms/${room}/events?since=${since}&wait=5`);
      await sleep(50);
      await e.send(room, 'new');
      assert.deepEqual((await back).json().events.map((x) => x.type), ['message'], `${room} ${since}`);
      await sleep(1100);
    }
  }
});

test('since=all on a trimmed room: is it no gap?', async () => {
  await fill('trim-all', 6);
  await e.redisCli('xtrim', key('trim-all'), 'MAXLEN', '2');
  const { events } = (await e.get('rooms/trim-all/events?since=all&wait=5')).json();
  assert.deepEqual(events.map((x) => x.content), ['4', '5']);
});

test('a cursor in the future: a gap, then what comes?', async (t) => {
  for (const form of FORMS) {
    await t.test(form, async () => {
      const room = `future-${form}`;
      await fill(room, 2);
      const stream = await e.listen(`rooms/${room}/events?as=${form}&since=9999999999999-0`);
      await stream.waitType('gap');
      await e.send(room, 'now');
      await stream.waitContent('now');
      stream.close();
    });
  }
});

test('a cursor in the future by long-poll: an answer at once, with a cursor that works?', async () => {
  await fill('future-json', 1);
  const answer = (await e.get('rooms/future-json/events?since=9999999999999-0&wait=20')).json();
  assert.equal(answer.events[0].type, 'gap');
  assert.equal(answer.events[0].requested, '9999999999999-0');
  await e.send('future-json', 'after');
  const next = (await e.get(`rooms/future-json/events?since=${answer.cursor}&wait=5`)).json();
  assert.ok(next.events.some((x) => x.content === 'after') || answer.events.some((x) => x.content === 'after'));
});

test('a cursor at the maximum: a gap, and the room lives on?', async () => {
  await fill('max', 1);
  const stream = await e.listen('rooms/max/events?as=sse&since=18446744073709551615-18446744073709551615');
  await stream.waitType('gap');
  await e.send('max', 'on');
  await stream.waitContent('on');
  stream.close();
});

test('a cursor for a room in which nothing was ever said: a gap?', async () => {
  const stream = await e.listen('rooms/never/events?as=sse&since=1700000000000-0');
  await stream.waitType('gap');
  await e.send('never', 'first');
  await stream.waitContent('first');
  stream.close();
});

test('a room that was deleted while someone listens: is nothing silently lost?', async () => {
  await fill('deleted', 3);
  const stream = await e.listen('rooms/deleted/events?as=sse&since=all');
  await stream.waitContent('2');
  await e.redisCli('del', key('deleted'));
  await e.send('deleted', 'after');
  await stream.waitContent('after');
  stream.close();
});

test('history_max: does it trim, and does a slow reader get gap rather than silence?', async () => {
  const small = await import('./harness.mjs').then(({ Earshot }) => Earshot.start({ conf: { history_max: 100 } }));
  try {
    const first = await small.send('small', 'first');
    const lines = (from) => Array.from({ length: 500 }, (_, i) => JSON.stringify({ content: `${from + i}` })).join('\n');
    for (let i = 0; i < 4; i++) await small.post('rooms/small/messages', lines(i * 500), { 'content-type': 'application/x-ndjson' });
    const kept = Number(await small.redisCli('xlen', key('small')));
    assert.ok(kept >= 100 && kept < 400, `${kept} kept`);
    const stream = await small.listen(`rooms/small/events?as=sse&since=${first.id}`);
    await stream.waitType('gap');
    await stream.waitContent('1999');
    assert.equal(stream.contents.length, kept);
    stream.close();
  } finally {
    await small.stop();
  }
});

test('a hub that missed what is trimmed since: is only he told who lost it, and not who comes back from beyond?', async () => {
  const small = await import('./harness.mjs').then(({ Earshot }) => Earshot.start({ conf: { history_max: 100, hubs: 1 } }));
  try {
    const there = await small.listen('rooms/behind/events?as=sse');
    const { id } = await small.send('behind', 'first');
    await there.waitContent('first');
    const [hub] = small.workers('hub');
    process.kill(hub, 'SIGSTOP');
    await small.redisCli('client', 'kill', 'type', 'pubsub');
    let last;
    for (let i = 0; i < 4; i++) {
      const lines = Array.from({ length: 200 }, (_, k) => JSON.stringify({ content: `${i * 200 + k}` })).join('\n');
      last = (await small.post('rooms/behind/messages', lines, { 'content-type': 'application/x-ndjson' })).text.trim().split('\n').map((line) => JSON.parse(line)).pop();
    }
    const beyond = small.listen(`rooms/behind/events?as=sse&since=${last.id}`);
    await sleep(100);
    process.kill(hub, 'SIGCONT');
    const back = await beyond;
    const gap = await there.waitType('gap');
    assert.equal(gap.event.requested, id);
    await there.waitContent('799');
    await small.send('behind', 'now');
    await back.waitContent('now');
    assert.deepEqual(back.items.filter((i) => i.type === 'gap'), []);
    assert.deepEqual(back.contents, ['now']);
    there.close();
    back.close();
  } finally {
    await small.stop();
  }
});

test('an event that was published but lost on the way: is it fetched?', async () => {
  // Stored by another hand without a publication: the next one's prev-id shows that something is missing.
  const stream = await e.listen('rooms/lost/events?as=sse');
  await e.send('lost', '1');
  await stream.waitContent('1');
  await e.redisCli('xadd', key('lost'), '*', 'e', JSON.stringify({ type: 'message', room: 'lost', userId: null, name: 'anonymous', content: 'unheard' }));
  await e.send('lost', '2');
  await stream.waitContent('2');
  assert.deepEqual(stream.contents, ['1', 'unheard', '2']);
  stream.close();
});

test('an event that nobody heard of: is it there within the 10 s of the hub\'s own check?', async () => {
  const stream = await e.listen('rooms/unheard/events?as=sse');
  await e.send('unheard', '1');
  await stream.waitContent('1');
  await e.redisCli('xadd', key('unheard'), '*', 'e', JSON.stringify({ type: 'message', room: 'unheard', userId: null, name: 'anonymous', content: 'unheard' }));
  await stream.waitContent('unheard', 14000);
  await sleep(50);
  assert.deepEqual(stream.contents, ['1', 'unheard']);
  stream.close();
});

test('1,000 events at once to a late reader: all, once, in order?', async () => {
  const lines = (k) => Array.from({ length: 1000 }, (_, i) => JSON.stringify({ content: `${k * 1000 + i}` })).join('\n');
  for (let k = 0; k < 3; k++) await e.post('rooms/burst/messages', lines(k), { 'content-type': 'application/x-ndjson' });
  const streams = await Promise.all(FORMS.map((form) => e.listen(`rooms/burst/events?as=${form}&since=all`)));
  await e.post('rooms/burst/messages', lines(3), { 'content-type': 'application/x-ndjson' });
  for (const stream of streams) {
    await until('all', () => stream.contents.length >= 4000, 10000);
    assert.deepEqual(stream.contents, Array.from({ length: 4000 }, (_, i) => `${i}`));
    stream.close();
  }
});

test('a slow Redis answers a reader from further back: does one whose cursor is younger than that question get no gap?', async () => {
  let chaos;
  const slowed = await Earshot.start({
    conf: { hubs: 1, redis_timeout: '10s' },
    redisUrl: (dir) => {
      chaos = new Chaos(`${dir}/chaos.sock`, `${dir}/redis.sock`);
      return `unix://${dir}/chaos.sock`;
    },
  });
  try {
    const ids = [];
    for (let i = 0; i < 20; i++) ids.push((await slowed.send('young', `${i}`)).id);
    // The room lives, but its ring begins at its end.
    const latest = await slowed.listen('rooms/young/events?as=ndjson');
    await latest.waitType('hello');
    const over = chaos.cast({ kind: 'delay', ms: 1000 }, () => true);
    const old = slowed.listen(`rooms/young/events?as=ndjson&since=${ids[3]}`);
    await sleep(1300); // its question has reached Redis, whose answer is on its way
    const json = JSON.stringify({ type: 'message', room: 'young', userId: null, name: 'anonymous', content: 'young' });
    const id = (await slowed.redisCli('xadd', key('young'), '*', 'e', json, 'p', ids[19])).trim();
    const young = await slowed.listen(`rooms/young/events?as=ndjson&since=${id}`);
    await until('the old one has all that there was', async () => (await old).contents.includes('19'));
    over();
    await slowed.send('young', 'after');
    await young.waitContent('after');
    assert.deepEqual(young.items.map((i) => i.type), ['hello', 'message']);
    for (const stream of [latest, await old, young]) stream.close();
  } finally {
    await slowed.stop();
    chaos.close();
  }
});

test('the answer to a reader is overtaken by so much that the ring goes round: does it, and who comes later, get all the same?', async () => {
  let chaos;
  const slowed = await Earshot.start({
    conf: { hubs: 1, redis_timeout: '9s', content_max: '2k', metadata_max: '1k', stream_queue: '24k' },
    redisUrl: (dir) => {
      chaos = new Chaos(`${dir}/chaos.sock`, `${dir}/redis.sock`);
      return `unix://${dir}/chaos.sock`;
    },
  });
  try {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await slowed.send('round', `old ${i}`)).id);
    const live = await slowed.listen('rooms/round/events?as=ndjson');
    await live.waitType('hello');
    const over = chaos.cast({ kind: 'delay', ms: 2000 }, (i) => i === 1); // what the hub asks; not what it subscribes to
    const reader = slowed.listen(`rooms/round/events?as=ndjson&since=${ids[3]}`);
    await sleep(2500); // its question has reached Redis, whose answer is on its way
    const sent = [...Array.from({ length: 20 }, (_, i) => `${i} ${'x'.repeat(1900)}`), 'new 0', 'new 1', 'new 2'];
    for (const content of sent) await slowed.send('round', content);
    await live.waitContent('new 2', 1000); // before that answer
    const waited = await reader;
    await until('it has all', () => waited.contents.includes('new 2'), 15000);
    over();
    assert.deepEqual(waited.contents, ['old 4', ...sent]);
    const later = await slowed.listen(`rooms/round/events?as=ndjson&since=${ids[3]}`);
    await later.waitContent('new 2');
    assert.deepEqual(later.contents, ['old 4', ...sent]);
    for (const stream of [live, waited, later]) stream.close();
  } finally {
    await slowed.stop();
    chaos.close();
  }
});

test('a log that was trimmed to nothing: does a reader of all wait in peace?', async () => {
  const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await e.redisCli('info', 'commandstats'))[1]);
  await e.send('nothing', 'gone');
  await e.redisCli('xtrim', key('nothing'), 'MAXLEN', '0');
  for (const since of ['all', '1']) {
    const stream = await e.listen(`rooms/nothing/events?as=ndjson&since=${since}`);
    await stream.waitType('hello');
    const before = await scripts();
    await sleep(1000);
    assert.ok(await scripts() - before <= 5, `${await scripts() - before} reads of the log in a second, since=${since}`);
    await e.send('nothing', `after ${since}`);
    await stream.waitContent(`after ${since}`);
    stream.close();
    await e.redisCli('xtrim', key('nothing'), 'MAXLEN', '0');
  }
});

/** The hubs hear nothing while `meanwhile` runs. */
async function deaf(earshot, meanwhile) {
  const hubs = earshot.workers('hub');
  hubs.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  await earshot.redisCli('client', 'kill', 'type', 'pubsub');
  await meanwhile();
  hubs.forEach((pid) => process.kill(pid, 'SIGCONT'));
}

test('trimmed while the hub was deaf, in a room that was empty before: is the loss told, live and from the cursor 0-0?', async () => {
  const live = await e.listen('rooms/zero/events?as=ndjson');
  const { event: { cursor } } = await live.waitType('hello');
  assert.equal(cursor, '0-0');
  await deaf(e, async () => {
    for (let i = 0; i < 20; i++) await e.send('zero', `${i}`);
    await e.redisCli('xtrim', key('zero'), 'MAXLEN', '5');
  });
  const back = await e.listen(`rooms/zero/events?as=ndjson&since=${cursor}`);
  for (const stream of [live, back]) {
    await stream.waitContent('19');
    assert.deepEqual(stream.items.map((i) => i.type), ['hello', 'gap', ...Array(5).fill('message')]);
    assert.deepEqual(stream.contents, ['15', '16', '17', '18', '19']);
    stream.close();
  }
});

test('a gap that has left the hub\'s memory: is who lost something told so at any time?', async () => {
  const small = await Earshot.start({ conf: { hubs: 1, content_max: '2k', metadata_max: '1k', stream_queue: '24k' } });
  try {
    const live = await small.listen('rooms/told/events?as=ndjson');
    const ids = [(await small.send('told', 'first')).id];
    await live.waitContent('first');
    await deaf(small, async () => {
      for (let i = 0; i < 10; i++) ids.push((await small.send('told', `${i}`)).id);
      await small.redisCli('xtrim', key('told'), 'MAXLEN', '1');
    });
    await live.waitType('gap');
    await live.waitContent('9');
    // So small that at some time the gap is the last that has left.
    for (let i = 0; i < 160; i++) {
      await small.send('told', `s ${i}`);
      const stream = await small.listen(`rooms/told/events?as=ndjson&since=${ids[3]}`);
      await stream.waitContent(`s ${i}`);
      assert.equal(stream.items[1].type, 'gap', `after ${i + 1} more`);
      stream.close();
    }
    live.close();
  } finally {
    await small.stop();
  }
});
