// 53-logs - does the log say what happened, in the form that is wanted, and no more than it may?
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { bearer, build, Earshot, forFile, root, run, tokenOf, until, within } from './harness.mjs';

const e = await forFile({ conf: { log_format: 'json', access_log: 'on', heartbeat: '1s' } });
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traced = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };

const lines = (text = e.daemonLog()) => text.slice(0, text.lastIndexOf('\n')).split('\n').map((line) => JSON.parse(line));
/** The line that says `msg` for a request, once it is there. */
const lineOf = (request, msg) => until(`${msg} ${request}`, () => lines().find((line) => line.request === request && line.msg === msg));

test('is each line an object, and each request one, with what it was?', async () => {
  const answer = await e.post('rooms/lobby/messages?x=hidden', 'nobody may read this', { ...bearer(tokenOf('alice')), ...traced, 'content-type': 'text/plain' });
  const id = answer.headers['x-request-id'];
  const line = await lineOf(id, 'answered');
  const { time, pid, ms, bytes, ...rest } = line;
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.ok(e.workers('gate').includes(pid));
  assert.ok(ms >= 0 && bytes > 300, JSON.stringify(line));
  assert.deepEqual(rest, { level: 'info', role: 'gate', request: id, trace: TRACE, msg: 'answered', client: '127.0.0.1', status: 201, method: 'POST', user: 'alice', namespace: 'main', path: '/chat/v1/rooms/lobby/messages' });
  assert.equal(lines().filter((one) => one.request === id).length, 1, 'a thing is said once');
  assert.ok(lines().some((one) => one.role === 'supervisor' && one.msg === 'up' && one.gates > 0));
});

test('can a path forge anything?', async () => {
  const answer = await e.get(`rooms/a%22%20status%3D200%20%0a%7b%7d%1b%5b2J%c2%85%22/messages`);
  assert.ok(answer.status >= 400);
  const line = await until('it is logged', () => lines().find((one) => one.path?.includes('status=200')));
  assert.equal(line.status, answer.status);
  assert.ok(line.path.startsWith('/chat/v1/rooms/a" status=200 \n{}\x1b[2J'), line.path);
});

test('is a stream followed from gate to hub, to its end and why?', async () => {
  const stream = await e.listen('rooms/follow/events?as=sse', { ...bearer(tokenOf('bob')), ...traced });
  const id = stream.headers['x-request-id'];
  const parked = await lineOf(id, 'parked');
  assert.deepEqual([parked.role, parked.trace, parked.form, parked.rooms, parked.user], ['gate', TRACE, 'sse', 1, 'bob']);
  await e.send('follow', 'one');
  await e.send('follow', 'two');
  await stream.waitContent('two');
  stream.close();
  const ended = await lineOf(id, 'ended');
  assert.deepEqual([ended.role, ended.trace, ended.client, ended.form, ended.user, ended.reason], ['hub', TRACE, '127.0.0.1', 'sse', 'bob', 'client_gone']);
  assert.ok(e.workers('hub').includes(ended.pid));
  assert.ok(ended.events >= 2 && ended.bytes > 200 && ended.ms > 0, JSON.stringify(ended));
  assert.equal(lines().filter((one) => one.request === id).length, 2);
});

test('does each way to end have its reason?', async () => {
  const ends = async (where, headers, before = async () => {}) => {
    const stream = await e.open(where, headers);
    const id = stream.headers['x-request-id'];
    await before();
    await stream.all();
    return (await lineOf(id, 'ended')).reason;
  };
  assert.equal(await ends('rooms/ways/events?wait=1&as=ndjson'), 'wait');
  assert.equal((await lineOf((await e.get('rooms/ways/events?wait=1&as=json')).headers['x-request-id'], 'ended')).reason, 'wait');
  await e.send('ways', 'x');
  assert.equal(await ends('rooms/ways/events?since=all&as=json'), 'events');
  assert.equal(await ends('rooms/ways/events?since=all&count=1&as=text'), 'count');
  const admin = bearer(tokenOf('root', { role: 'admin' }));
  assert.equal(await ends('rooms/ways/events?as=sse', bearer(tokenOf('eve')), () => e.post('admin/revoke', JSON.stringify({ user: 'eve' }), { ...admin, 'content-type': 'application/json' })), 'revoked');
  assert.equal(await ends('rooms/ways/events?as=sse', bearer(tokenOf('mallory')), () => e.request('PUT', 'rooms/ways/bans/mallory', { headers: admin })), 'banned');
  assert.equal(await ends('rooms/ways/events?as=sse', bearer(tokenOf('late', { exp: Math.floor(Date.now() / 1000) + 2 }))), 'expired');
});

test('does a trace that is none, or a canary, leave nothing?', async () => {
  const answer = await e.get('rooms', { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` });
  assert.equal('trace' in await lineOf(answer.headers['x-request-id'], 'answered'), false);
  assert.equal((await e.get('readyz?deep=1')).status, 200);
  assert.equal(lines().filter((one) => one.request === 'canary').length, 0);
});

test('is nothing secret in it?', async () => {
  const token = tokenOf('alice');
  const { ticket } = (await e.request('POST', 'auth/ticket', { headers: { ...bearer(token), 'content-type': 'application/json' }, body: '{"rooms":["lobby"]}' })).json();
  const stream = await e.open(`events?as=sse&ticket=${ticket}`);
  stream.close();
  await lineOf(stream.headers['x-request-id'], 'ended');
  const log = e.daemonLog();
  for (const secret of [token, ticket, 'nobody may read this', 'hidden', '?', e.conf.jwt_secret]) assert.ok(!log.includes(secret), secret);
});

test('do streams that a restart ends say so?', async () => {
  const stream = await e.listen('rooms/lobby/events?as=sse');
  e.daemon.signal('SIGHUP');
  await stream.closed;
  assert.equal((await lineOf(stream.headers['x-request-id'], 'ended')).reason, 'restart');
  await e.ready();
});

/** Changes a key while all runs; until none of the old gates and hubs is left. */
async function change(key, value) {
  const old = [...e.workers('gate'), ...e.workers('hub')];
  e.conf[key] = value;
  e.writeConf();
  e.daemon.signal('SIGHUP');
  await until('the old ones are gone', () => [...e.workers('gate'), ...e.workers('hub')].every((pid) => !old.includes(pid)));
  await e.ready();
}

/** Can a path make the filter of docs/operations.md ban somebody else, as fail2ban reads it? */
async function forge() {
  const [, rule] = /^failregex = (.*)$/m.exec(fs.readFileSync(path.join(root, 'docs/operations.md'), 'utf8'));
  const filter = new RegExp(rule.replace('<HOST>', '(\\S+)'));
  const lineTo = async (where, headers = {}) => {
    const id = (await e.get(where, headers)).headers['x-request-id'];
    return until('it is logged', () => e.daemonLog().split('\n').find((one) => one.includes(id)));
  };
  assert.equal(filter.exec(await lineTo('rooms', bearer('x')))?.[1], '127.0.0.1');
  const hostile = await lineTo('answered%20client=192.0.2.9%20status=401%20/none');
  assert.match(hostile, /status=404 .*client=192\.0\.2\.9 status=401 /);
  assert.equal(filter.exec(hostile), null, hostile);
}

test('is it text where that is wanted, quoted, and silent about requests by default?', async () => {
  await change('log_format', 'text');
  const { headers } = await e.get('rooms/a%22b/messages', traced);
  const line = await until('it is logged', () => e.daemonLog().split('\n').find((one) => one.includes(headers['x-request-id'])));
  assert.match(line, new RegExp(`^\\S+Z info gate\\[\\d+\\] request=\\w+ trace=${TRACE} answered client=127\\.0\\.0\\.1 status=4\\d\\d method=GET ms=\\d+ bytes=\\d+ user=- namespace=main path="/chat/v1/rooms/a\\\\"b/messages"$`));
  await forge();
  await change('access_log', 'off');
  const stream = await e.listen('rooms/lobby/events?as=sse');
  stream.close();
  const quiet = (await e.get('rooms')).headers['x-request-id'];
  await until('the hub has let go', async () => await e.listeners('lobby') === 0);
  for (const id of [quiet, stream.headers['x-request-id']]) assert.ok(!e.daemonLog().includes(id));
});

/** Starts earshotd alone until its log has `pattern`, and gives what it wrote. */
async function logOf(conf, { pattern, env = {}, args = [], stderr = 'pipe' }) {
  const file = path.join(e.dir, 'other.conf');
  fs.writeFileSync(file, conf, { mode: 0o644 });
  const child = spawn(path.join(build, 'earshotd'), ['--config', file, ...args], { env: { ...e.env, ...env }, stdio: ['ignore', 'ignore', stderr] });
  let text = '';
  child.stderr?.on('data', (data) => { text += data; });
  const exit = once(child, 'exit');
  if (pattern) await until('it says so', () => pattern.test(text));
  if (pattern) child.kill('SIGTERM');
  const [code] = await within(15000, 'it ends', exit);
  return { text, code };
}

const conf = () => `listen = unix:${e.dir}/other.sock\nredis = unix://${e.dir}/redis.sock\njwt_secret = ${e.conf.jwt_secret}\ngates = 1\nhubs = 1\ndrain = 0\n${e.conf.user ? `user = ${e.conf.user}\n` : ''}`;

test('have the lines from before the configuration its form?', async () => {
  const { text } = await logOf(`${conf()}log_format = json\n`, { pattern: /"msg":"up"/ });
  assert.match(text.split('\n')[0], /every user of this machine can read/, 'the file is open to all');
  for (const line of lines(text)) assert.ok(line.level && line.role && line.msg, JSON.stringify(line));
});

test('is a mistake in the configuration a line as the environment or the command line wants it?', async () => {
  for (const how of [{ env: { EARSHOT_LOG_FORMAT: 'json' } }, { args: ['--log-format', 'json'] }]) {
    const { text, code } = await logOf(`${conf()}drain = soon\n`, how);
    assert.equal(code, 78);
    const last = lines(text).at(-1);
    assert.deepEqual([last.level, last.role], ['error', 'supervisor']);
    assert.match(last.msg, /other\.conf:\d+: drain/);
  }
  assert.match((await logOf(`${conf()}log_format = xml\n`, {})).text, /log_format = xml: allowed are text and json/);
});

test('has a line in the journal its priority and no second time?', async () => {
  const socket = path.join(e.dir, 'journal.sock');
  let text = '';
  const server = net.createServer((s) => s.on('data', (data) => { text += data; })).listen(socket);
  await once(server, 'listening');
  // What systemd does: standard error is a socket, which JOURNAL_STREAM names.
  const script = `import os,socket,sys
s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); os.dup2(s.fileno(),2)
st=os.fstat(2); os.environ['JOURNAL_STREAM']=f'{st.st_dev}:{st.st_ino}'
os.execv(sys.argv[2],sys.argv[2:])`;
  const file = path.join(e.dir, 'other.conf');
  fs.writeFileSync(file, `${conf()}streams_max = 10000000\n`, { mode: 0o600 });
  const child = spawn('python3', ['-c', script, socket, path.join(build, 'earshotd'), '--config', file], { env: e.env, stdio: 'ignore' });
  const exit = once(child, 'exit');
  await until('it is up', () => /up: gates/.test(text));
  child.kill('SIGTERM');
  await within(15000, 'it ends', exit);
  server.close();
  for (const line of text.trim().split('\n')) assert.match(line, /^(<6>info|<4>warn) (supervisor|gate|hub)\[\d+\] /);
  // The variable alone, inherited where standard error is another, changes nothing.
  const other = await logOf(conf(), { pattern: /up: gates/, env: { JOURNAL_STREAM: '8:1234' } });
  assert.match(other.text, /^\d{4}-/);
});
