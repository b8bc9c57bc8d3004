// Does each room know who is there: once a person, from the first stream to the last, whatever becomes of the processes?

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sleep, slow, until } from './harness.mjs';
import { as, siteOf } from './site.mjs';

const [e, f, g] = await siteOf(3);
const GRACE = 8000;

const people = async (at, room) => (await at.get(`rooms/${room}/presence`)).json().people.map((p) => p.userId).sort();
const seen = (watcher, user) => watcher.items.filter((i) => ['join', 'leave'].includes(i.type) && i.event.userId === user).map((i) => i.type);
const listen = (at, room, user, more) => at.listen(`rooms/${room}/events?as=sse`, user ? as(user, more) : {});

describe('while all live', { concurrency: true }, () => {
  test('a person in five tabs, over hubs and machines: is one told to join once, and to leave once, after the last is closed?', async () => {
    const watcher = await listen(f, 'tabs', 'bob');
    const nobody = await listen(e, 'tabs');
    const tabs = [];
    for (const at of [e, e, e, f, f]) tabs.push(await listen(at, 'tabs', 'alice', { name: 'Alice A.' }));
    await until('both are there', async () => (await people(e, 'tabs')).length === 2);
    const answer = (await f.get('rooms/tabs/presence')).json();
    assert.deepEqual(answer.people.map((p) => [p.userId, p.name, p.typing]).sort(), [['alice', 'Alice A.', false], ['bob', 'bob', false]]);
    await until('all streams are counted', async () => (await e.get('rooms/tabs/presence')).json().online === 7);
    for (const tab of tabs.slice(1)) tab.close();
    await sleep(GRACE + 1500);
    assert.deepEqual(await people(f, 'tabs'), ['alice', 'bob'], 'one is left');
    const closed = Date.now();
    tabs[0].close();
    await watcher.wait((i) => i.type === 'leave' && i.event.userId === 'alice', GRACE + 3000);
    assert.ok(Date.now() - closed > GRACE - 500, 'there was a grace');
    assert.deepEqual(await people(e, 'tabs'), ['bob']);
    await sleep(300);
    for (const one of [watcher, nobody]) assert.deepEqual(seen(one, 'alice'), ['join', 'leave']);
    assert.deepEqual(watcher.items.find((i) => i.type === 'join' && i.event.userId === 'alice').event.name, 'Alice A.');
    watcher.close();
    nobody.close();
  });

  test('one who polls, with pauses, from ever another machine: is he there all the time?', async () => {
    const watcher = await listen(e, 'polls', 'bob');
    for (let i = 0; i < 5; i++) {
      await [e, f][i % 2].get('rooms/polls/events?wait=1', as('carol'));
      await sleep(1500);
      assert.deepEqual(await people(f, 'polls'), ['bob', 'carol']);
    }
    assert.deepEqual(seen(watcher, 'carol'), ['join']);
    await watcher.wait((i) => i.type === 'leave', GRACE + 3000);
    assert.deepEqual(seen(watcher, 'carol'), ['join', 'leave']);
    watcher.close();
  });

  test('a reload: do people whose streams come back neither leave nor join?', async () => {
    const watcher = await listen(e, 'reload', 'bob');
    let stream = await listen(g, 'reload', 'dora');
    await watcher.waitType('join');
    const hubs = g.workers('hub');
    g.daemon.signal('SIGHUP');
    await stream.closed;
    stream = await listen(g, 'reload', 'dora');
    await until('the old hubs are gone', () => !g.workers('hub').some((pid) => hubs.includes(pid)));
    await sleep(17000); // what the old hub said of her has lapsed by then
    assert.deepEqual(seen(watcher, 'dora'), ['join']);
    assert.deepEqual(await people(f, 'reload'), ['bob', 'dora']);
    stream.close();
    watcher.close();
  });

  test('Redis forgets who is here, and once more: do the hubs tell it again?', async () => {
    const streams = [await listen(e, 'lost', 'alice'), await listen(f, 'lost', 'alice'), await listen(f, 'lost', 'bob')];
    const both = async () => (await people(g, 'lost')).join() === 'alice,bob';
    await until('both are there', both);
    for (let i = 0; i < 2; i++) {
      const keys = (await e.redisCli('keys', 'earshot:{main/lost}:*')).trim().split('\n');
      await e.redisCli('del', ...keys.filter((key) => !key.endsWith(':log') && !key.endsWith(':room')));
      assert.deepEqual(await people(g, 'lost'), []);
      await until('both are there again', both, 7000);
    }
    streams[0].close();
    await sleep(1000);
    assert.ok(await both());
    streams.forEach((s) => s.close());
  });

  test('one who is banned: is he told to leave at once?', async () => {
    await e.request('PUT', 'rooms/out', { headers: as('bob'), body: '' });
    const watcher = await listen(e, 'out', 'bob');
    const stream = await listen(f, 'out', 'eve');
    await watcher.wait((i) => i.type === 'join' && i.event.userId === 'eve');
    assert.equal((await e.request('PUT', 'rooms/out/bans/eve', { headers: as('bob'), body: '' })).status, 204);
    await watcher.wait((i) => i.type === 'leave' && i.event.userId === 'eve', 2000);
    assert.equal((await f.get('rooms/out/events?wait=1', as('eve'))).status, 403);
    await sleep(300);
    assert.deepEqual(seen(watcher, 'eve'), ['join', 'leave'], 'and not to come by what is refused');
    watcher.close();
  });
});

test('two machines of three lose all at once, by kill -9: are their people told to leave within 20 s?', async () => {
  const watcher = await listen(g, 'dead', 'bob');
  const unnamed = await g.listen('rooms/alone/events?as=sse'); // nobody signed in is left in this room to see to it
  const lost = [await listen(e, 'alone', 'alice'), await listen(e, 'dead', 'alice'), await listen(f, 'dead', 'carol'), await listen(f, 'dead', 'alice')];
  await until('all are there', async () => (await people(g, 'dead')).length === 3);
  const killed = Date.now();
  for (const at of [e, f]) {
    const workers = [...at.workers('hub'), ...at.workers('gate')];
    process.kill(at.daemon.pid, 'SIGKILL');
    for (const pid of workers) try { process.kill(pid, 'SIGKILL'); } catch { /* it saw its supervisor go */ }
  }
  await until('both have left', () => watcher.items.filter((i) => i.type === 'leave').length === 2, 20000);
  await unnamed.wait((i) => i.type === 'leave', 20000 - (Date.now() - killed));
  assert.ok(Date.now() - killed > 5000 && Date.now() - killed < 20000 * slow, `${Date.now() - killed} ms`);
  assert.deepEqual(await people(g, 'dead'), ['bob']);
  await sleep(300);
  for (const user of ['alice', 'carol']) assert.deepEqual(seen(watcher, user), ['join', 'leave']);
  lost.forEach((l) => l.close());
  watcher.close();
  unnamed.close();
});
