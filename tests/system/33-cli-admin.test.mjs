// Can whoever runs a site manage its people from a shell?

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { SECRET, bearer, build, forFile, jwt, inAnHour, run, tokenOf, until } from './harness.mjs';

const e = await forFile();
const program = path.join(build, 'earshot');
const env = { EARSHOT_URL: e.base, EARSHOT_TOKEN: '', EARSHOT_CONFIG: `${e.dir}/earshot.conf`, ...Object.fromEntries(Object.entries(e.env).filter(([k]) => /SAN_OPTIONS/.test(k))) };
const earshot = (args, input, more = {}) => run(program, args, { env: { ...env, ...more }, input });
const fine = async (...args) => {
  const { code, stdout, stderr } = await earshot(...args);
  assert.equal(code, 0, `${args[0].join(' ')}: ${stderr}`);
  return stdout.toString();
};
const login = (user, password) => e.post('auth/login', new URLSearchParams({ user, password }).toString(), { 'content-type': 'application/x-www-form-urlencoded' });

test('do add, passwd, list and del make, change, show and remove accounts, with the secret alone?', async () => {
  await fine(['user', 'add', 'olga', '--name', 'Olga "O" \\', '--role', 'admin', '--password-stdin'], 'a "password" \\ of hers\n');
  const first = await login('olga', 'a "password" \\ of hers');
  assert.deepEqual([first.status, first.json().name], [200, 'Olga "O" \\']);
  const twice = await earshot(['user', 'add', 'olga', '--password-stdin'], 'another password\n');
  assert.equal(twice.code, 1);
  assert.match(twice.stderr.toString(), /already/);
  const missing = await earshot(['user', 'passwd', 'nobody', '--password-stdin'], 'another password\n');
  assert.equal(missing.code, 1);
  assert.match(missing.stderr.toString(), /no account/);
  await fine(['user', 'passwd', 'olga', '--password-stdin'], 'another password');
  assert.equal((await login('olga', 'a "password" \\ of hers')).status, 401);
  assert.equal((await login('olga', 'another password')).status, 200);
  assert.equal((await e.get('rooms', bearer(first.json().token))).status, 401);
  const lines = (await fine(['user', 'list'])).split('\n');
  assert.match(lines[0], /^olga +admin +20\d\d-\S+Z +Olga "O" \\$/);
  assert.equal(JSON.parse(await fine(['user', 'list', '--as', 'ndjson'])).userId, 'olga');
  await fine(['user', 'del', 'olga']);
  assert.equal(await fine(['user', 'list']), '');
  assert.equal((await earshot(['user', 'del', 'olga'])).code, 1);
  assert.equal((await login('olga', 'another password')).status, 401);
});

test('is a list longer than a page whole, and can no name forge a line of it?', async () => {
  const script = `for i = 1, 1100 do redis.call('HSET', 'earshot:main:user:u' .. i, 'name', 'N' .. i .. '\\27[2J', 'made', '1') redis.call('ZADD', 'earshot:main:users', i, 'u' .. i) end`;
  await e.redisCli('eval', script, '0');
  const lines = (await fine(['user', 'list'])).trimEnd().split('\n');
  assert.equal(lines.length, 1100);
  assert.match(lines[1099], /^u1100 .*N1100\?\[2J$/);
});

test('is the command line checked, and a terminal wanted where there is none?', async () => {
  for (const args of [['user'], ['user', 'shout', 'x'], ['user', 'add'], ['user', 'list', 'x'], ['user', 'add', 'a b', '--password-stdin'], ['user', 'add', 'x', '--follow'], ['revoke'], ['revoke', '--user', 'a', '--jti', 'b'], ['audit', 'x'], ['audit', '--limit', '0'], ['user', 'add', 'x']]) {
    const { code, stderr } = await earshot(args, '');
    assert.equal(code, 2, args.join(' '));
    assert.ok(stderr.length > 0);
  }
  assert.equal((await earshot(['user', 'add', 'x', '--password-stdin'], '')).code, 2);
  assert.equal((await earshot(['user', 'add', 'x', '--password-stdin'], `${'x'.repeat(1025)}\n`)).code, 2);
  const short = await earshot(['user', 'add', 'x', '--password-stdin'], 'short\n');
  assert.equal(short.code, 1);
  assert.match(short.stderr.toString(), /8 to 1024 bytes/);
  for (const command of ['user', 'revoke', 'audit']) assert.ok((await fine(['help'])).includes(command) && (await fine(['help', command])).includes('--token'));
});

test('does it ask on a terminal, without echo, and twice?', async (t) => {
  await fine(['user', 'add', 'pia', '--password-stdin'], 'the first password');
  // The second line comes when the first was asked for: script(1) hands on what it gets.
  const child = spawn('script', ['-qec', `${program} user passwd pia`, '/dev/null'], { env: { ...process.env, ...env, TERM: 'dumb' } });
  t.after(() => child.kill());
  let out = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  const ended = once(child, 'exit');
  await until('asked', () => out.includes('Password: '));
  child.stdin.write('typed by hand\n');
  await until('asked again', () => out.includes('Once more: '));
  child.stdin.write('typed by hand\n');
  assert.equal((await ended)[0], 0, out);
  assert.ok(!out.includes('typed'), out);
  assert.equal((await login('pia', 'typed by hand')).status, 200);
});

test('does revoke take back the tokens of a user, or one?', async () => {
  const now = Math.floor(Date.now() / 1000);
  const all = jwt({ sub: 'quin', exp: inAnHour(), iat: now });
  const one = jwt({ sub: 'rosa', exp: inAnHour(), iat: now, jti: 'rosa "1"' });
  const two = jwt({ sub: 'rosa', exp: inAnHour(), iat: now, jti: 'rosa "2"' });
  await fine(['revoke', '--user', 'quin']);
  await fine(['revoke', '--jti', 'rosa "1"']);
  const status = async (token) => (await e.get('rooms', bearer(token))).status;
  assert.deepEqual([await status(all), await status(one), await status(two)], [401, 401, 200]);
});

test('does audit print what was done, with times, and follow it without a gap?', async (t) => {
  const printed = await fine(['audit', '--limit', '2']);
  assert.deepEqual(printed.trimEnd().split('\n').map((l) => l.replace(/^20\d\d-\d\d-\d\dT[\d:.]+Z /, '')), ['operator: revoke quin', 'operator: revoke: token rosa "1"']);
  const ndjson = JSON.parse(await fine(['audit', '--limit', '1', '--as', 'ndjson']));
  assert.deepEqual([ndjson.action, ndjson.address], ['revoke', '127.0.0.1']);
  const child = spawn(program, ['audit', '--follow', '--limit', '1'], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill());
  let out = '';
  child.stdout.on('data', (chunk) => { out += chunk; });
  // All the time while it prints the last one and begins to follow, and for a while after that.
  let kicks = 0;
  for (let after = 0; after < 20; after += out === '' ? 0 : 1) {
    await e.post('admin/kick', `user=kicked-${kicks}`, { ...bearer(tokenOf('root', { role: 'admin' })), 'content-type': 'application/x-www-form-urlencoded' });
    kicks += 1;
  }
  await until('all', () => out.includes(`kicked-${kicks - 1}\n`));
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
  const lines = out.trimEnd().split('\n');
  assert.match(lines.at(-1), /^20\d\d-\S+Z root: kick kicked-/);
  const told = lines.map((l) => l.replace(/^\S+ /, ''));
  const all = ['operator: revoke: token rosa "1"', ...Array.from({ length: kicks }, (_, i) => `root: kick kicked-${i}`)];
  assert.deepEqual(told, all.slice(-told.length));
});

test('does a token that is given count, and a missing secret leave nobody an admin?', async () => {
  const given = await earshot(['user', 'list'], '', { EARSHOT_TOKEN: tokenOf('plain') });
  assert.equal(given.code, 1);
  assert.match(given.stderr.toString(), /admins/);
  assert.equal((await earshot(['user', 'list', '--token', tokenOf('root', { role: 'admin' })], '', { EARSHOT_TOKEN: tokenOf('plain') })).code, 0);
  const none = await earshot(['revoke', '--user', 'x'], '', { EARSHOT_CONFIG: '', HOME: e.dir });
  assert.equal(none.code, 1);
  assert.match(none.stderr.toString(), /token/);
  fs.writeFileSync(`${e.dir}/other.conf`, `jwt_secret = ${SECRET}, but another one\n`, { mode: 0o600 });
  assert.equal((await earshot(['user', 'list', '--config', `${e.dir}/other.conf`])).code, 1);
  assert.equal((await earshot(['user', 'list', '--config', `${e.dir}/not-there.conf`])).code, 2);
});
