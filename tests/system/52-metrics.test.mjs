// 52-metrics - does GET metrics count what was done, exactly, over deaths and reloads, for those who may see it, and as Prometheus reads it?
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, test } from 'node:test';
import { bearer, Earshot, root, run, sleep, tokenOf, until } from './harness.mjs';

const SECRET = 'a scraper has this';
const e = await Earshot.start({ conf: { metrics_token: SECRET, history_max: 5, stream_queue: '80k', stream_stall: '300ms', gates: 4, hubs: 2 } });
after(() => e.stop());

/** The samples of one scrape: sum(name, { label: value }) adds up those that have the labels. */
class Scrape {
  constructor(text) {
    this.text = text;
    this.samples = text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
      const [, name, labels = '', value] = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/) ?? assert.fail(line);
      return { name, labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]])), value: Number(value) };
    });
  }

  sum(name, labels = {}) {
    const found = this.samples.filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v));
    return found.reduce((sum, s) => sum + s.value, 0);
  }

  /** All that only grows, by name and labels. */
  counters() {
    const grows = /(_total|_bucket|_count|_sum)$/;
    return new Map(this.samples.filter((s) => grows.test(s.name)).map((s) => [s.name + JSON.stringify(s.labels), s.value]));
  }
}

async function scrape(query = '') {
  const answer = await e.get(`metrics${query}`);
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/);
  return new Scrape(answer.text);
}

function assertGrown(before, now) {
  const after = now.counters();
  for (const [key, value] of before.counters()) assert.ok(after.get(key) >= value, `${key} fell from ${value} to ${after.get(key)}`);
}

const ROUTE = '/rooms/{room}/messages';

test('are sends, pages of history, what is not there and refusals counted, each by its route and code?', async () => {
  const before = await scrape();
  for (let i = 0; i < 7; i++) await e.send('counted-room', `line ${i}`);
  const once = { 'idempotency-key': 'k1' };
  for (let i = 0; i < 2; i++) await e.send('counted-room', 'once', once);
  await e.post('rooms/counted-room/messages', '{"content":"a"}\n{"content":"b"}\n{"nothing":1}\n', { 'content-type': 'application/x-ndjson' });
  await e.get('rooms/counted-room/messages');
  await e.get('rooms/counted-room/messages', bearer('no.token.this'));
  await e.get('nowhere/at/all');
  await e.request('DELETE', 'livez');
  await e.request('HEAD', 'livez');
  const now = await scrape();
  const grown = (name, labels) => now.sum(name, labels) - before.sum(name, labels);
  assert.equal(grown('earshot_requests_total', { route: ROUTE, method: 'POST', code: '201' }), 9);
  assert.equal(grown('earshot_requests_total', { route: ROUTE, method: 'POST', code: '207' }), 1);
  assert.equal(grown('earshot_messages_total'), 7 + 1 + 2);
  assert.equal(grown('earshot_requests_total', { route: ROUTE, method: 'GET', code: '200' }), 1);
  assert.equal(grown('earshot_requests_total', { route: ROUTE, method: 'GET', code: '401' }), 1);
  assert.equal(grown('earshot_requests_total', { route: 'other', method: 'GET', code: '404' }), 1);
  assert.equal(grown('earshot_requests_total', { route: 'other', method: 'DELETE', code: '405' }), 1);
  assert.equal(grown('earshot_requests_total', { route: '/livez', method: 'GET', code: '200' }), 1);
  assert.equal(grown('earshot_request_duration_seconds_count', { group: 'send' }), 10);
  assert.equal(grown('earshot_request_duration_seconds_bucket', { group: 'send', le: '+Inf' }), 10);
  assert.ok(grown('earshot_request_duration_seconds_sum', { group: 'send' }) > 0);
  assert.ok(grown('earshot_redis_round_trip_seconds_count', { role: 'gate' }) >= 11);
});

test('are streams told by form, and deliveries once for each who listens, with their lag?', async () => {
  const before = await scrape();
  const forms = ['sse', 'sse', 'ndjson', 'text', 'html'];
  const streams = await Promise.all(forms.map((form) => e.open(`rooms/heard-room/events?as=${form}`)));
  const poll = e.get('rooms/heard-room/events?as=json&wait=20&types=never');
  const open = await until('six are open', async () => {
    const now = await scrape();
    return now.sum('earshot_streams') === 6 && now.sum('earshot_rooms') >= 1 && now;
  });
  for (const [form, count] of Object.entries({ sse: 2, ndjson: 1, text: 1, html: 1, json: 1 })) {
    assert.equal(open.sum('earshot_streams', { form }), count, form);
    assert.equal(open.sum('earshot_receives_total', { form }) - before.sum('earshot_receives_total', { form }), count, form);
  }
  assert.equal(open.sum('earshot_requests_total', { route: '/rooms/{room}/events', code: 'parked' }) - before.sum('earshot_requests_total', { route: '/rooms/{room}/events', code: 'parked' }), 6);
  for (let i = 0; i < 3; i++) await e.send('heard-room', `line ${i}`);
  const told = await until('all is delivered', async () => {
    const now = await scrape();
    return now.sum('earshot_deliveries_total') - before.sum('earshot_deliveries_total') >= 15 && now;
  });
  assert.equal(told.sum('earshot_deliveries_total') - before.sum('earshot_deliveries_total'), 15);
  assert.equal(told.sum('earshot_delivery_lag_seconds_count') - before.sum('earshot_delivery_lag_seconds_count'), 15);
  // Who reads what lay in the log counts as delivered to, but not as late.
  const late = await e.listen('rooms/heard-room/events?as=ndjson&since=all&count=3');
  await late.waitContent('line 2');
  const more = await scrape();
  assert.equal(more.sum('earshot_deliveries_total') - told.sum('earshot_deliveries_total'), 3);
  assert.equal(more.sum('earshot_delivery_lag_seconds_count'), told.sum('earshot_delivery_lag_seconds_count'));
  await e.post('rooms/heard-room/messages', '{"content":"x","type":"never"}', { 'content-type': 'application/json' });
  assert.equal((await poll).status, 200);
  for (const stream of [...streams, late]) stream.close();
  await until('all are closed', async () => (await scrape()).sum('earshot_streams') === 0);
});

test('are a gap and the cut of a slow reader counted?', async () => {
  const before = await scrape();
  for (let i = 0; i < 8; i++) await e.send('short', `line ${i}`);
  const stream = await e.listen('rooms/short/events?as=ndjson&since=1-0');
  await stream.waitContent('line 7');
  stream.close();
  await until('the gap is counted', async () => (await scrape()).sum('earshot_gaps_total') === before.sum('earshot_gaps_total') + 1);
  const slow = net.connect(e.port, '127.0.0.1');
  slow.on('error', () => {});
  slow.write('GET /chat/v1/rooms/loud/events?as=ndjson HTTP/1.1\r\nHost: x\r\n\r\n');
  slow.once('data', () => slow.pause());
  await until('the slow one listens', async () => (await e.listeners('loud')) === 1);
  const line = 'x'.repeat(8000);
  await until('it is cut', async () => {
    await Promise.all(Array.from({ length: 32 }, () => e.send('loud', line)));
    return (await scrape()).sum('earshot_slow_reader_cuts_total') === before.sum('earshot_slow_reader_cuts_total') + 1;
  }, 20000);
  slow.destroy();
});

test('does no counter fall when a gate or a hub is killed, and at a reload, and is each told?', async () => {
  const before = await scrape();
  assert.equal(before.sum('earshot_workers', { role: 'gate' }), 4);
  assert.equal(before.sum('earshot_workers', { role: 'hub', state: 'busy' }), 2);
  process.kill(e.workers('gate')[0], 'SIGKILL');
  process.kill(e.workers('hub')[0], 'SIGKILL');
  const killed = await until('both are back', async () => {
    const now = await scrape();
    return now.sum('earshot_worker_restarts_total') >= 2 && now.sum('earshot_workers', { role: 'hub', state: 'busy' }) === 2 && now;
  });
  assert.equal(killed.sum('earshot_worker_restarts_total', { role: 'gate' }), 1);
  assert.equal(killed.sum('earshot_worker_restarts_total', { role: 'hub' }), 1);
  assertGrown(before, killed);
  e.daemon.signal('SIGHUP');
  const reloaded = await until('the configuration is there', async () => {
    const now = await scrape();
    return now.sum('earshot_config_reloads_total', { result: 'done' }) === 1 && now;
  });
  assertGrown(killed, reloaded);
  assert.ok(reloaded.sum('earshot_config_loaded_timestamp_seconds') > killed.sum('earshot_config_loaded_timestamp_seconds'));
  await until('the old ones are gone', async () => (await scrape()).sum('earshot_workers') === 6);
  fs.appendFileSync(`${e.dir}/earshot.conf`, 'gates = none\n');
  e.daemon.signal('SIGHUP');
  const failed = await until('the bad one is told', async () => {
    const now = await scrape();
    return now.sum('earshot_config_last_reload_successful') === 0 && now;
  });
  assert.equal(failed.sum('earshot_config_reloads_total', { result: 'failed' }), 1);
  assertGrown(reloaded, failed);
  e.writeConf();
});

test('may nobody read them but programs of this machine, admins and the bearer of the secret?', async () => {
  const status = async (headers, where = 'metrics') => (await e.get(where, headers)).status;
  const far = { 'x-forwarded-for': '192.0.2.1' };
  assert.equal(await status({}), 200);
  assert.equal(await status(far), 401);
  assert.equal(await status({ 'x-forwarded-for': '127.0.0.1' }), 401);
  for (const proxy of [{ forwarded: 'for=192.0.2.1' }, { via: '1.1 front' }, { 'x-real-ip': '127.0.0.1' }]) assert.equal(await status(proxy), 401, JSON.stringify(proxy));
  assert.equal(await status({ ...far, ...bearer(SECRET) }), 200);
  assert.equal(await status({ ...far, ...bearer(`${SECRET}!`) }), 401);
  assert.equal(await status({ ...far, ...bearer(tokenOf('ann')) }), 403);
  assert.equal(await status({ ...far, ...bearer(tokenOf('root', { role: 'admin' })) }), 200);
  assert.equal(await status(bearer(SECRET), 'rooms'), 401, 'the secret is no token');
  assert.equal((await e.get('metrics?deep=2')).status, 400);
  for (const [metrics, near, others] of [['admin', 401, 401], ['open', 200, 200], ['off', 404, 404]]) {
    const other = await Earshot.start({ conf: { metrics, metrics_token: SECRET, gates: 2, hubs: 1 }, redis: e });
    assert.deepEqual([(await other.get('metrics')).status, (await other.get('metrics', far)).status], [near, others], metrics);
    assert.equal((await other.get('metrics', bearer(SECRET))).status, metrics === 'off' ? 404 : 200, metrics);
    await other.stop();
  }
});

test('is it what promtool takes, without a name of a room or a user, and do rules and dashboard name what is there?', async () => {
  const now = await scrape('?deep=1');
  assert.equal(now.sum('earshot_canary_up'), 1);
  const check = await run('promtool', ['check', 'metrics'], { input: now.text });
  assert.equal(`${check.code}${check.stdout}${check.stderr}`, '0');
  for (const name of ['counted-room', 'heard-room', 'short', 'loud', 'ann', 'root']) assert.ok(!now.text.includes(`"${name}`) && !now.text.includes(`/${name}`), name);
  const names = new Set(now.samples.map((s) => s.name));
  const dashboard = JSON.parse(fs.readFileSync(path.join(root, 'contrib/grafana/earshot.json'), 'utf8'));
  assert.ok(dashboard.schemaVersion >= 36);
  const rules = fs.readFileSync(path.join(root, 'contrib/prometheus/earshot.rules.yml'), 'utf8');
  const texts = [...dashboard.panels.flatMap((p) => (p.targets ?? []).map((t) => t.expr)), rules.replace(/^#.*$/gm, '').replace(/action:.*$/gm, '')];
  const named = new Set(texts.join('\n').match(/\b(?:earshot|process)_[a-z_]+/g));
  assert.ok(named.size > 25, [...named].join(' '));
  for (const name of named) assert.ok(names.has(name), `${name} is nowhere in the metrics`);
  for (const name of names) assert.ok(named.has(name) || /_(sum|count)$/.test(name), `${name} is on no panel and in no rule`);
  for (const args of [['check', 'rules', 'earshot.rules.yml'], ['test', 'rules', 'earshot.rules.test.yml']]) {
    const { code, stdout, stderr } = await run('promtool', args, { cwd: path.join(root, 'contrib/prometheus') });
    assert.equal(code, 0, `${stdout}${stderr}`);
  }
});

test('does a Redis that is gone show, and no scrape wait for it?', async () => {
  const before = await scrape();
  await e.redis.stop('SIGKILL');
  await until('errors are counted', async () => {
    await e.get('readyz');
    const now = await scrape();
    return now.sum('earshot_redis_errors_total', { role: 'gate' }) > before.sum('earshot_redis_errors_total', { role: 'gate' })
      && now.sum('earshot_redis_errors_total', { role: 'hub' }) > before.sum('earshot_redis_errors_total', { role: 'hub' }) && now.sum('earshot_redis_up') === 0;
  });
  assert.equal((await scrape('?deep=1')).sum('earshot_canary_up'), 0);
  const began = Date.now();
  await scrape();
  assert.ok(Date.now() - began < 1000);
  await e.startRedis();
  await e.ready();
  await sleep(100);
  assert.equal((await scrape()).sum('earshot_redis_up'), 1);
});
