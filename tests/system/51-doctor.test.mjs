// Does `earshot doctor` find what is wrong with a web server or a Redis, and does the line that it names mend it?

import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { mistakes, put } from '../hosts/doctor.mjs';
import { servers, startServer } from '../hosts/servers.mjs';
import { clockOf } from './clock.mjs';
import { Earshot, build, forFile, freePort, run, tokenOf } from './harness.mjs';

const AT_ONCE = 8; // the cases wait more than they work
const e = await forFile({ conf: { listen_mode: '0666', heartbeat: '1h' }, redisArgs: ['--unixsocketperm', '777'] });
if (process.getuid() === 0) fs.chmodSync(e.dir, 0o777);
const program = path.join(build, 'earshot');
const sanitizers = Object.fromEntries(Object.entries(e.env).filter(([k]) => /SAN_OPTIONS/.test(k)));
const quiet = { EARSHOT_TOKEN: '', EARSHOT_CONFIG: '/nonexistent', ...sanitizers };
const powerless = { EARSHOT_TOKEN: tokenOf('nobody', { rooms: {} }) };
const admin = (site = e) => ({ EARSHOT_CONFIG: `${site.dir}/earshot.conf` });

/** Runs it: { code, checks: { name: [{ result, saw, mend }] }, wrong: [names] }. */
async function doctor(args, env = {}) {
  const { code, stdout, stderr } = await run(program, ['doctor', '--json', ...args], { env: { ...quiet, ...env } });
  assert.equal(stderr.toString(), '', args.join(' '));
  const report = JSON.parse(stdout.toString()), checks = {};
  for (const one of report.checks) (checks[one.check] ??= []).push(one);
  const wrong = [...new Set(report.checks.filter((c) => c.result === 'wrong').map((c) => c.check))];
  assert.equal(code === 0, wrong.length === 0, JSON.stringify(report));
  return { code, report, checks, wrong };
}

/** A directory of its own before the same daemon, for a web server. */
let fronts = 0;
function front() {
  const f = Object.create(e);
  f.dir = path.join(e.dir, `front${++fronts}`);
  f.env = { ...e.env };
  fs.mkdirSync(f.dir);
  fs.chmodSync(f.dir, 0o777);
  fs.symlinkSync(`${e.dir}/earshot.sock`, `${f.dir}/earshot.sock`);
  fs.writeFileSync(`${f.dir}/earshot.conf`, 'jwt_secret = something that nobody should see\n');
  return f;
}

/** Asks the doctor about the server with this text, of its site or (for `htaccess`) of a customer's .htaccess. */
async function ask(f, name, alter, args, env, htaccess = false) {
  const web = await startServer(f, name, { [htaccess ? 'htaccess' : 'alter']: (text) => alter(text, f) });
  try {
    await f.ready();
    return await doctor([f.base, ...args], env);
  } finally {
    await web.stop();
  }
}

/** Puts the line that was named where the mistake says that it goes. */
function mend(mistake, text, named) {
  const { line } = named.find((one) => (mistake.line ?? /^/).test(one.line)) ?? assert.fail(JSON.stringify(named));
  if (mistake.wrong) return put(text, mistake.wrong, line);
  if (mistake.behind) return put(text, mistake.behind, `${mistake.behind}\n${line}\n`);
  const end = text.indexOf('\n', text.indexOf(mistake.endOf));
  return `${text.slice(0, end)} ${line}${text.slice(end)}`;
}

test('is each mistake of a web server found, and mended by the line that is named?', { concurrency: AT_ONCE }, (t) => Promise.all(
  mistakes.map((mistake) => t.test(`${mistake.server}: ${mistake.name}`, async () => {
    const f = front();
    const args = mistake.idle ? ['--idle', mistake.idle] : ['--quick'], env = mistake.quick ? powerless : {};
    const ill = await ask(f, mistake.server, mistake.break, args, env, mistake.htaccess);
    assert.deepEqual(ill.wrong, [mistake.check], JSON.stringify(ill.report, null, 1));
    assert.equal(ill.code, 1);
    const named = ill.checks[mistake.check].find((c) => c.result === 'wrong').mend;
    const well = await ask(f, mistake.server, (text) => mend(mistake, mistake.break(text, f), named), args, env, mistake.htaccess);
    assert.deepEqual(well.wrong, [], JSON.stringify(well.report, null, 1));
    assert.equal(well.report.webServer.toLowerCase(), mistake.server.split('-')[0]);
  })),
));

test('is all well behind each server as its example has it?', { concurrency: AT_ONCE }, (t) => Promise.all(
  Object.keys(servers).filter((name) => !servers[name].direct).map((name) => t.test(name, async () => {
    const { report, wrong, checks } = await ask(front(), name, (text) => text, ['--idle', '3s'], admin());
    assert.deepEqual(wrong, [], JSON.stringify(report, null, 1));
    for (const check of ['buffering', 'compression', 'etag', 'idle', 'idle-poll', 'redis-aof', 'redis-clock']) assert.equal(checks[check]?.[0].result, 'ok', `${name}: ${check}: ${JSON.stringify(report, null, 1)}`);
  })),
));

test('is a Redis that forgets found, and told to admins only?', async () => {
  const site = front(), named = (report, check) => report.checks[check].find((c) => c.result === 'wrong').mend.map((m) => m.line);
  const web = await startServer(site, 'nginx');
  const look = (env) => doctor([site.base, '--quick'], env);
  const blind = await look(powerless);
  assert.ok(!('redis-aof' in blind.checks) && blind.checks.token[0].mend.length > 0, JSON.stringify(blind.report));
  assert.deepEqual((await look(admin())).wrong, []);
  await e.redisCli('config', 'set', 'appendonly', 'no');
  await e.redisCli('config', 'set', 'maxmemory', '256mb');
  await e.redisCli('config', 'set', 'maxmemory-policy', 'allkeys-lru');
  const ill = await look(admin());
  assert.deepEqual(ill.wrong.sort(), ['redis-aof', 'redis-eviction']);
  for (const line of [...named(ill, 'redis-aof'), ...named(ill, 'redis-eviction')]) {
    const [key, value] = line.replace('redis-cli config set ', '').split(' ');
    assert.equal((await e.redisCli('config', 'set', key, value)).trim(), 'OK', line);
  }
  assert.deepEqual((await look(admin())).wrong, []);
  const used = Number(/used_memory:(\d+)/.exec(await e.redisCli('info', 'memory'))[1]);
  await e.redisCli('config', 'set', 'maxmemory', String(used + (1 << 17)));
  assert.deepEqual((await look(admin())).wrong, ['redis-memory']);
  await e.redisCli('config', 'set', 'maxmemory', '0');
  await web.stop();
});

test('are clocks that differ found: of the server, and of its Redis?', async () => {
  const other = await Earshot.start({ daemon: false, nginx: false });
  try {
    const usual = other.env, clock = await clockOf(other.dir, usual);
    clock.set(65);
    other.env = clock.env;
    await other.startDaemon();
    other.env = usual;
    await other.startNginx();
    await other.ready();
    const redis = await doctor([other.base, '--quick'], admin(other));
    assert.deepEqual(redis.wrong, ['redis-clock'], JSON.stringify(redis.report));
    assert.match(redis.checks['redis-clock'][0].saw, /6[4-6]\.\d s behind/);
    const ours = await doctor([other.base, '--quick'], { ...powerless, LD_PRELOAD: clock.env.LD_PRELOAD, TEST_CLOCK: clock.env.TEST_CLOCK, ...(sanitizers.ASAN_OPTIONS && { ASAN_OPTIONS: clock.env.ASAN_OPTIONS }) });
    assert.deepEqual(ours.wrong, ['clock'], JSON.stringify(ours.report));
    assert.match(ours.checks.clock[0].saw, /6[3-7]\.\d s behind/);
  } finally {
    await other.stop();
  }
});

test('does --long look until the server ends the stream, and are a Redis and a daemon missed that are gone?', async () => {
  const other = await Earshot.start({ conf: { stream_age: '3s', poll_wait: '1s', poll_wait_max: '2s' } });
  try {
    const { wrong, checks } = await doctor([other.base, '--long']);
    assert.deepEqual(wrong, []);
    assert.match(checks.idle[0].saw, /earshot itself ended the stream after [2-9]/);
    assert.match(checks['idle-poll'][0].saw, /waited for [1-9]\./);
    await other.redis.stop();
    const deaf = await doctor([other.base, '--quick'], powerless);
    assert.ok(deaf.wrong.includes('redis') && /503 redis_unavailable/.test(deaf.checks.redis[0].saw), JSON.stringify(deaf.report));
    await other.daemon.stop();
    const down = await doctor([other.base]);
    assert.deepEqual([down.code, down.wrong], [1, ['daemon']]);
  } finally {
    await other.stop();
  }
});

// A mount of its own lets the test's certificate be trusted without touching the machine's.
test('is HTTP/1.1 over TLS found, and a certificate that nobody trusts?', async (t) => {
  const f = front(), pem = `${f.dir}/tls.pem`, key = `${f.dir}/tls.key`, trusted = '/etc/ssl/certs/ca-certificates.crt';
  if ((await run('unshare', ['-rm', 'mount', '--bind', '/dev/null', trusted])).code !== 0) return t.skip('no namespaces here');
  const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', pem]);
  assert.equal(made.code, 0, made.stderr.toString());
  const look = async (listen) => {
    const web = await startServer(f, 'nginx', { alter: (text) => put(text, `listen 127.0.0.1:${f.port};`, `${listen(f.port)} ssl_certificate ${pem}; ssl_certificate_key ${key};`) });
    const url = f.base.replace('http:', 'https:');
    const strange = await doctor([url, '--quick'], powerless);
    const { stdout } = await run('unshare', ['-rm', 'sh', '-c', 'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', pem, trusted, program, 'doctor', '--json', '--quick', url], { env: { ...quiet, ...powerless } });
    await web.stop();
    assert.deepEqual([strange.code, strange.wrong], [3, ['certificate']]);
    return Object.fromEntries(JSON.parse(stdout.toString()).checks.map((c) => [c.check, c]));
  };
  const old = await look((port) => `listen 127.0.0.1:${port} ssl;`);
  assert.deepEqual([old.tls.result, old.http2.result], ['ok', 'wrong'], JSON.stringify(old));
  const fresh = await look((port) => old.http2.mend[0].line.replace('443', `127.0.0.1:${port}`));
  assert.deepEqual([fresh.tls.result, fresh.http2.result, fresh.errors.result], ['ok', 'ok', 'ok'], JSON.stringify(fresh));
  return undefined;
});

/** A server that answers each request with the next text, or the last one, whatever it was asked. */
async function answering(t, answer) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (data) => socket.end(Buffer.from(answer(data.toString()), 'latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}
const http = (status, headers, body = '') => `HTTP/1.1 ${status}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;

test('is it told what is there where earshot is not?', async (t) => {
  const site = front(), web = await startServer(site, 'nginx');
  const told = async (url, code, check, saw) => {
    const { report, checks, ...rest } = await doctor([url]);
    assert.equal(rest.code, code, JSON.stringify(report));
    assert.match(checks[check].find((c) => c.result === 'wrong').saw, saw);
    return checks;
  };
  await told(`http://127.0.0.1:${await freePort()}/chat/v1`, 3, 'reach', /connect/);
  await told(site.origin.replace('http:', 'https:'), 3, 'certificate', /./);
  await told(site.origin, 2, 'reach', new RegExp(`404.*${site.base}$`));
  await told(`${site.origin}/chat/nowhere`, 2, 'reach', /404.*at http/);
  await told(await answering(t, () => http('200 OK', 'Content-Type: text/html\r\n', '<p>hello')), 2, 'reach', /is the URL right/);
  await told(await answering(t, () => http('200 OK', 'Content-Type: text/html\r\n', '<input type="password">')), 2, 'login', /login of its own/);
  await told(await answering(t, () => http('401 No', 'WWW-Authenticate: Basic realm="x"\r\n')), 2, 'login', /401/);
  await told(await answering(t, () => http('302 Go', 'Location: /login?next=/\r\n')), 2, 'login', /login/);
  await told(await answering(t, () => http('302 Go', 'Location: /again\r\n')), 1, 'redirect', /loop/);
  await told(await answering(t, () => http('301 Go', 'Location: http://chat.example.org/\r\n')), 2, 'redirect', /earshot doctor http:\/\/chat.example.org/);
  await told(await answering(t, () => http('301 Go', 'Location: http://127.0.0.1:x@chat.example.org/\r\n')), 2, 'redirect', /another server/);
  const down = await told(await answering(t, () => http('502 Bad Gateway', 'Server: nginx\r\n', 'x')), 1, 'daemon', /502.*earshotd/);
  assert.match(down.daemon[0].mend[0].line, /systemctl/);
  const moved = await doctor([await answering(t, () => http('308 Go', `Location: ${site.base}/\r\n`)), '--quick'], powerless);
  assert.equal(moved.code, 0);
  assert.match(moved.checks.redirect[0].saw, /give that one to clients/);
  await web.stop();
});

test('can nothing that a server says do harm, and is its text for people readable?', async (t) => {
  const evil = await answering(t, () => http('404 No', 'Server: \x1b]0;evil\x07\x9b2J\r\nContent-Type: \x1b[31mred\xff\r\n', '\x1b[2J'));
  const { code, stdout } = await run(program, ['doctor', evil], { env: quiet });
  assert.equal(code, 2);
  assert.doesNotMatch(stdout.toString('latin1'), /[\x00-\x09\x0b-\x1f\x7f]/);
  assert.match(stdout.toString(), /^WRONG reach +http.*404 \(.*red/);
  const { report } = await doctor([evil]);
  assert.match(report.checks[0].saw, /\?\[31mred\?/);
});

test('does the command line know what it may take?', async () => {
  for (const args of [['a', 'b'], ['no url'], ['--idle', 'x'], ['--since', 'all'], ['--as', 'ndjson']]) {
    assert.equal((await run(program, ['doctor', ...args], { env: quiet })).code, 2, args.join(' '));
  }
  assert.match((await run(program, ['help', 'doctor'])).stdout.toString(), /--long/);
});

test('does it leave nothing behind?', async () => {
  const keys = (await e.redisCli('zrange', 'earshot:main:rooms', '0', '-1')).trim();
  assert.equal(keys, '');
  const left = (await e.redisCli('keys', '*doctor-*')).trim().split('\n').filter(Boolean);
  for (const key of left) assert.notEqual(Number(await e.redisCli('pttl', key)), -1, `${key} stays`);
});
