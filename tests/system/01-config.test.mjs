// Does the daemon say what it is told, and refuse what it cannot do, before it serves anyone?

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { Earshot, SECRET, build, run, until } from './harness.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-test-'));
after(() => fs.rmSync(dir, { recursive: true }));

const daemon = (args, env = {}) => run(path.join(build, 'earshotd'), args, { env: { EARSHOT_CONFIG: undefined, ...env }, timeout: 10000 });

function file(text, called = 'earshot.conf') {
  const name = path.join(dir, called);
  fs.writeFileSync(name, text, { mode: 0o600 });
  return name;
}
const GOOD = `jwt_secret = ${SECRET}\n`;

test('does it say its version, and its options?', async () => {
  const version = await daemon(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.stdout.toString(), /^earshotd? \d+\.\d+\.\d+/);
  const help = await daemon(['--help']);
  assert.equal(help.code, 0);
  for (const flag of ['--config', '--listen', '--gates', '--hubs', '--check-config', '--print-config', '--foreground', '--version']) {
    assert.ok(help.stdout.includes(flag), `${flag} is not in --help`);
  }
});

test('is a good configuration good?', async () => {
  const { code, stderr } = await daemon(['--config', file(`# a comment\n\n${GOOD}anonymous = lobby=rw, news-*=r\nstream_age = 0\n`), '--check-config']);
  assert.equal(code, 0, stderr);
});

// ---- each mistake one can make: where, what, and what is allowed; exit status 78 --------------------------------

/** The message about a configuration that must be refused. */
async function refused(args, env) {
  const { code, stdout, stderr } = await daemon([...args, '--check-config'], env);
  assert.equal(code, 78, `${args} ${JSON.stringify(env)}: ${code} ${stdout}${stderr}`);
  const text = stderr.toString();
  assert.match(text, /^earshotd: [^\n]+\n$/, 'one line, and nothing else');
  assert.ok(!text.includes(SECRET), 'no secret in it');
  return text.trim().slice('earshotd: '.length);
}

const keys = (await daemon(['--print-config'])).stdout.toString().trim().split('\n').map((line) => line.split(' ')[0]);
const eachOf = async (list, check) => {
  for (let i = 0; i < list.length; i += 8) await Promise.all(list.slice(i, i + 8).map(check));
};
/** What is wrong for every type but a secret, and for that. */
const wrong = (key) => (key === 'jwt_secret' ? '"0123456789012345678901234567890123"' : '?!, ?!');
const SECRETS = ['jwt_secret', 'metrics_token', 'redis'];
/** The message of a wrong value: no secret is shown in it. */
function assertRefusal(message, where, key, value) {
  const shown = SECRETS.includes(key) ? '' : ` = ${value}`;
  assert.ok(message.startsWith(`${where}: ${key}${shown}`), message);
  assert.match(message.slice(where.length + key.length + 2), key === 'jwt_secret' ? /take the quotes off/ : /: allowed (is|are) \S/, message);
  if (SECRETS.includes(key)) assert.ok(!message.includes(value), message);
}

test('every key, wrong in the environment and as a flag: is it said where, what, and what is allowed?', async () => {
  assert.ok(keys.length >= 40, `${keys.length} keys`);
  const good = file(GOOD, 'good.conf');
  await eachOf(keys, async (key) => {
    const variable = `EARSHOT_${key.toUpperCase()}`, flag = `--${key.replaceAll('_', '-')}`;
    assertRefusal(await refused(['--config', good], { [variable]: wrong(key) }), `environment ${variable}`, key, wrong(key));
    assertRefusal(await refused(['--config', good, flag, wrong(key)]), flag, key, wrong(key));
  });
  // Both wrong: the first that is read is named.
  assertRefusal(await refused(['--config', good, '--gates=many'], { EARSHOT_GATES: 'some' }), 'environment EARSHOT_GATES', 'gates', 'some');
});

const pem = (kind) => generateKeyPairSync(...kind).publicKey.export({ type: 'spki', format: 'pem' });
fs.writeFileSync(path.join(dir, 'ec.pem'), pem(['ec', { namedCurve: 'P-256' }]));
file(pem(['rsa', { modulusLength: 2048 }]), 'rsa.pem');
fs.writeFileSync(path.join(dir, 'weak.pem'), pem(['rsa', { modulusLength: 1024 }]));
fs.writeFileSync(path.join(dir, 'private.pem'), generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }));
file('short\n', 'short');
file('', 'empty');

for (const [what, says, ...lines] of [
  ['numbers out of range, negative, broken, too big for anything', /whole numbers from \d+ to \d+/,
    'gates = 193', 'gates = -1', 'hubs = 1.5', 'hubs = 0x10', 'rooms_max = 99999999999999999999', 'batch_max = 0', 'streams_max =', 'gates = 4 4'],
  ['durations of no, another or a far too long unit', /durations from \S+ to \S+, with the unit ms, s, m, h or d/,
    'drain = 10', 'drain = 10 fortnights', 'heartbeat = 1.5s', 'token_ttl = 1000d', 'stream_age = 10M', 'retry = s', 'redis_timeout = 1ms', 'poll_wait = -1s'],
  ['sizes', /sizes from \S+ to \S+; k, m and g are units/, 'content_max = 8kb', 'body_max = 65m', 'metadata_max = 1t', 'stream_queue = 1k', 'content_max = 8 k'],
  ['levels, switches, modes and rates', /allowed (is|are) (error, warn|on and off|octal modes|COUNT\/DURATION, such as 100\/10s)/,
    'log_level = loud', 'log_level = INFO', 'guests = yes', 'registration = 1', 'listen_mode = 0999', 'listen_mode = rw', 'listen_mode = 1777',
    'rate_send = 100', 'rate_send = 100/', 'rate_send = /10s', 'rate_send = 100/10', 'rate_guest = 0/10s', 'rate_login = 5/1ms', 'rate_login = 5 / 1m', 'rate_send = none'],
  ['addresses to listen on', /unix:\/ABSOLUTE\/PATH \(under 108 bytes\), HOST:PORT or \[IPV6\]:PORT/,
    'listen = unix:earshot.sock', `listen = unix:/${'x'.repeat(108)}`, 'listen = unix:', 'listen = /run/earshot.sock', 'listen = 127.0.0.1:0', 'listen = 127.0.0.1:70000',
    'listen = 127.0.0.1', 'listen = :9000', 'listen = 9000', 'listen = ::1:9000', 'listen = [::1', 'listen = [::1]', 'listen = [::1]:', 'listen = h:http', 'listen ='],
  ['Redis URLs', /(allowed is a URL such as|a Redis URL is) redis/,
    'redis = mysql://127.0.0.1', 'redis = 127.0.0.1:6379', 'redis = redis://', 'redis =', 'redis = redis://h:0', 'redis = redis://h:65536', 'redis = redis://h:x', 'redis = redis://h/x',
    'redis = redis://user@h', 'redis = redis://u:%zz@h', 'redis = redis://[::1', 'redis = unix://relative', `redis = unix:///${'x'.repeat(108)}`, 'redis = unix:///s?db=x', 'redis = unix:///s?x=1'],
  ['rights', /PATTERN=RIGHTS, comma-separated, such as lobby=rw,news-\*=r; the rights are r, w and m/,
    'anonymous = lobby=rx', 'anonymous = lobby', 'members = =r', 'members = *=', 'members = a b=r', 'anonymous = lobby:rw', 'anonymous = @me=r'],
  ['origins', /origins, comma-separated, in lower case and without a path/,
    'cors_origins = *', 'cors_origins = example.org', 'cors_origins = https://example.org/', 'cors_origins = https://Example.org', 'cors_origins = https://a.example;https://b.example',
    'cors_origins = ftp://a.example', 'cors_origins = https://a.example:443', 'cors_origins = https://a.example:port', 'cors_origins = null', 'cors_origins = https://'],
  ['proxies', /addresses, comma-separated, such as 10\.0\.0\.0\/8/,
    'trusted_proxies = localhost', 'trusted_proxies = 10.0.0.0/33', 'trusted_proxies = 10.0.0', 'trusted_proxies = fd00::/129', 'trusted_proxies = 10.0.0.1 10.0.0.2', 'trusted_proxies = *'],
  ['keys of no, another or a doubled kind', /KID ALGORITHM FILE.*HS256, HS384/,
    'jwt_key = one', 'jwt_key = one RS256', 'jwt_key = one none /k', 'jwt_key = one PS256 /k', 'jwt_key = one rs256 /k', `jwt_key = one HS256 /k, one HS256 /l`, 'jwt_key = a/b HS256 /k'],
  ['key files that are not there, no files, or of the wrong kind', /jwt_key one \(.*(cannot be read: No such file|not a regular file|is a private key; .* public|no elliptic curve key|no RSA key|has 1024 bits; .* 2048|is a PEM, which others may know|has \d bytes; allowed are 32|no PEM public key)/,
    `jwt_key = one RS256 ${dir}/none.pem`, `jwt_key = one RS256 ${dir}`, `jwt_key = one RS256 ${dir}/private.pem`, `jwt_key = one ES256 ${dir}/rsa.pem`, `jwt_key = one RS256 ${dir}/ec.pem`,
    `jwt_key = one RS256 ${dir}/weak.pem`, `jwt_key = one HS256 ${dir}/rsa.pem`, `jwt_key = one HS256 ${dir}/short`, `jwt_key = one RS256 ${dir}/short`, `jwt_key = one HS256 ${dir}/empty`],
  ['secrets', /jwt_secret( has \d+ bytes; allowed are 32 and more|: take the quotes off| has a bad value: allowed is UTF-8)/,
    'jwt_secret = short', `jwt_secret = ${'x'.repeat(31)}`, `jwt_secret = '${'x'.repeat(40)}'`, `jwt_secret = ${'x'.repeat(40)}\u001b[1m`],
  ['words', /: (allowed is one word, or nothing|user = nobody-here: there is no such user.*; allowed are those of)/, 'user = a b', 'jwt_issuer = two words', 'jwt_audience = a b', 'user = nobody-here'],
  ['quotes and comments behind a value', /allowed .* \((values are not quoted|a comment needs a line of its own)\)/, 'gates = "4"', "log_level = 'info'", 'gates = 4 # four', 'listen = "unix:/s"'],
  ['values that fit not each other', /is too small for \S+ \((default|.*:2)\): allowed is \S+ and more/, 'poll_wait_max = 1s', 'stream_queue = 8k', 'body_max = 4k'],
  ['what is no line of the file', /there is no key "[^"]*"|is not a line of the form key = value|a carriage return within it/,
    '= 4', '[earshot]', 'gates: 4', 'export gates', 'gates = 1\rhubs = 1'],
  ['what is no text', /allowed is UTF-8/, Buffer.from('members = gr\xfcn=r', 'latin1'), 'gates = 4\0', 'members = a=r\u0007'],
]) {
  test(`are ${what} refused with file, line and what is allowed?`, async () => {
    await eachOf(lines, async (line) => {
      const secret = /^jwt_secret/.test(line) ? '# none\n' : GOOD;
      const name = file(Buffer.concat([Buffer.from(`${secret}# this is line 2\n`), Buffer.from(line), Buffer.from('\n')]), `line${lines.indexOf(line)}`);
      const message = await refused(['--config', name]);
      assert.match(message, says, `${line}: ${message}`);
      assert.ok(message.startsWith(`${name}:3: `) || message.includes(`configuration: ${name}:3: `) || message.startsWith('default: poll_wait'), `${line}: no file and line: ${message}`);
      assert.ok(message.length < 500);
    });
  });
}

test('what is no file of ours: is it said which and why?', async () => {
  const fifo = path.join(dir, 'pipe');
  await run('mkfifo', [fifo]);
  fs.writeFileSync(path.join(dir, 'giant'), '# \n'.repeat(100000));
  fs.writeFileSync(path.join(dir, 'utf16'), Buffer.from('\ufeffgates = 4\n', 'utf16le'));
  for (const [name, says] of [['none', /No such file/], ['.', /it is a directory/], ['pipe', /it is a pipe/], ['giant', /longer than the 262144 bytes that are allowed/],
    ['utf16', /utf16:1: a zero byte; allowed is UTF-8/], ['empty', /empty: there is no key for tokens: set jwt_secret/]]) {
    const full = path.join(dir, name), message = await refused(['--config', full]);
    assert.ok(message.includes(full), message);
    assert.match(message, says);
    assert.match(await refused([], { EARSHOT_CONFIG: full }), says);
  }
  const unreadable = file(GOOD);
  fs.chmodSync(unreadable, 0o000);
  fs.chmodSync(dir, 0o755);
  const nobody = process.getuid() === 0 ? ['setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups']] : ['env', []];
  const { code, stderr } = await run(nobody[0], [...nobody[1], path.join(build, 'earshotd'), '--config', unreadable, '--check-config']);
  fs.rmSync(unreadable);
  assert.equal(code, 78);
  assert.ok(stderr.includes(`cannot read ${unreadable}: Permission denied`), stderr.toString());
});

test('a BOM, CRLF and no newline at the end: are they borne?', async () => {
  const name = file(`\ufeff# one\r\n${GOOD.trim()}\r\ngates = 3`);
  const { code, stdout, stderr } = await daemon(['--config', name, '--print-config']);
  assert.equal(code, 0, stderr);
  assert.match(stdout.toString(), /^gates = 3$/m);
  assert.equal((await daemon(['--config', name, '--check-config'])).code, 0);
});

test('a secret from a file that cannot be one: is the variable named, and what is wrong?', async () => {
  const name = file('');
  for (const [value, says] of [['none', /No such file/], ['.', /it is a directory/], ['empty', /is empty; allowed is a value/], ['short', /jwt_secret has 5 bytes; allowed are 32/], ['pipe', /it is a pipe/]]) {
    const message = await refused(['--config', name], { EARSHOT_JWT_SECRET_FILE: path.join(dir, value) });
    assert.match(message, says);
    assert.ok(message.startsWith('environment EARSHOT_JWT_SECRET_FILE: '), message);
  }
  assert.match(await refused(['--config', name], { EARSHOT_JWT_SECRET_FILE: '/x', EARSHOT_JWT_SECRET: SECRET }), /set EARSHOT_JWT_SECRET or EARSHOT_JWT_SECRET_FILE, not both/);
  assert.match(await refused(['--config', file(GOOD)], { EARSHOT_GATES_FILE: '/x' }), /^environment EARSHOT_GATES_FILE: gates comes from no file; allowed is EARSHOT_GATES$/);
});

test('every key, wrong, misspelt, twice or without its = in the file, at a reload: is it said with the line, and does all go on?', async (t) => {
  const e = await Earshot.start({ nginx: false });
  t.after(() => e.stop());
  const conf = `${e.dir}/earshot.conf`, good = fs.readFileSync(conf, 'utf8'), lines = good.trim().split('\n');
  const workers = () => [...e.workers('hub'), ...e.workers('gate')].sort();
  await until('all are up', () => /up: gates/.test(e.daemonLog()));
  const before = workers(), last = lines.length + 1;
  const refusal = async (text) => {
    const from = e.daemonLog().length;
    fs.writeFileSync(conf, text);
    e.daemon.signal('SIGHUP');
    return until(`the log says so: ${text.slice(-60)}`, () => /error supervisor\S+ the configuration stays as it was: (.*)\n/.exec(e.daemonLog().slice(from))?.[1]);
  };
  for (const key of keys) {
    const at = lines.findIndex((one) => one.startsWith(`${key} =`)), misspelt = key.replace(/(.)(.)$/, '$2$1');
    const bad = at < 0 ? [...lines, `${key} = ${wrong(key)}`] : lines.with(at, `${key} = ${wrong(key)}`);
    assertRefusal(await refusal(bad.join('\n')), `${conf}:${at < 0 ? last : at + 1}`, key, wrong(key));
    if (misspelt !== key) assert.equal(await refusal(`${good}${misspelt} = 1\n`), `${conf}:${last}: there is no key "${misspelt}"; is it "${key}"?`);
    assert.equal(await refusal(`${good}${key} 1`), `${conf}:${last}: "${key} 1" is not a line of the form key = value`);
    if (at >= 0) assert.equal(await refusal(`${good}${lines[at]}`), `${conf}:${last}: ${key} is set already, in line ${at + 1}`);
  }
  assert.deepEqual(workers(), before, 'nobody was replaced');
  fs.writeFileSync(conf, good);
  // Twice, the second while the first is under way: both are done, one after the other.
  e.daemon.signal('SIGHUP');
  await until('it reloads', () => /reloads: gates/.test(e.daemonLog()));
  e.daemon.signal('SIGHUP');
  await until('others are up', () => e.daemonLog().match(/ up: gates/g).length >= 3);
});

test('are bad flags and variables refused by name?', async () => {
  const name = file(GOOD);
  const flag = await daemon(['--config', name, '--gates', 'x', '--check-config']);
  assert.notEqual(flag.code, 0);
  assert.match(flag.stderr.toString(), /--gates/);
  const variable = await daemon(['--config', name, '--check-config'], { EARSHOT_GATES: 'x' });
  assert.notEqual(variable.code, 0);
  assert.match(variable.stderr.toString(), /EARSHOT_GATES/);
  const unknown = await daemon(['--config', name, '--no-such-thing']);
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.stderr.toString(), /no-such-thing/);
  const lost = await daemon(['--config', path.join(dir, 'none.conf'), '--check-config']);
  assert.notEqual(lost.code, 0);
  assert.match(lost.stderr.toString(), /none\.conf/);
});

test('does it refuse to start without a key of 32 bytes?', async () => {
  for (const line of ['', 'jwt_secret = short\n', `jwt_secret = ${'x'.repeat(31)}\n`]) {
    const { code, stderr } = await daemon(['--config', file(`${line}listen = unix:${dir}/s.sock\n`), '--foreground']);
    assert.notEqual(code, 0);
    assert.match(stderr.toString(), /32|jwt_/);
    assert.ok(!fs.existsSync(`${dir}/s.sock`));
  }
});

test('do file, environment and flags rank in this order, and are secrets masked?', async () => {
  const name = file(`${GOOD}gates = 3\nhubs = 3\nbatch_max = 3\nredis = redis://:hunter2@127.0.0.1:6379/1\n`);
  const { code, stdout } = await daemon(['--config', name, '--gates', '5', '--print-config'], { EARSHOT_GATES: '4', EARSHOT_HUBS: '4' });
  assert.equal(code, 0);
  const text = stdout.toString();
  assert.match(text, /^gates\s*=\s*5$/m);
  assert.match(text, /^hubs\s*=\s*4$/m);
  assert.match(text, /^batch_max\s*=\s*3$/m);
  assert.ok(!text.includes(SECRET) && !text.includes('hunter2'), text);
  assert.match(text, /\*{8}/);
});

test('do secrets come from files?', async () => {
  fs.writeFileSync(path.join(dir, 'secret'), `${SECRET}\n`);
  const { code, stderr } = await daemon(['--config', file(''), '--check-config'], { EARSHOT_JWT_SECRET_FILE: path.join(dir, 'secret') });
  assert.equal(code, 0, stderr);
  const named = `jwt_secret_file = ${path.join(dir, 'secret')}\n`;
  const check = async (text) => {
    const name = file(text);
    fs.chmodSync(name, 0o644);
    return (await daemon(['--config', name, '--check-config'])).stderr.toString();
  };
  fs.chmodSync(path.join(dir, 'secret'), 0o600);
  assert.equal(await check(named), '', 'of a configuration that all may read, since it holds no secret');
  assert.match(await check(`jwt_secret = ${SECRET}\n`), /every user of this machine can read .*earshot\.conf/);
  assert.match(await check(`${named}jwt_secret = x\n`), /earshot\.conf:2: jwt_secret is set already, in line 1/);
  assert.match(await check('jwt_secret_file = /nonexistent\n'), /earshot\.conf:1: cannot read \/nonexistent: No such file/);
  assert.match(await check('gates_file = 1\n'), /earshot\.conf:1: there is no key "gates_file"/);
});

test('does REDIS_URL count, below EARSHOT_REDIS?', async () => {
  const name = file(GOOD);
  const one = await daemon(['--config', name, '--print-config'], { REDIS_URL: 'redis://127.0.0.1:7001' });
  assert.match(one.stdout.toString(), /^redis\s*=\s*redis:\/\/127\.0\.0\.1:7001/m);
  const two = await daemon(['--config', name, '--print-config'], { REDIS_URL: 'redis://127.0.0.1:7001', EARSHOT_REDIS: 'redis://127.0.0.1:7002' });
  assert.match(two.stdout.toString(), /^redis\s*=\s*redis:\/\/127\.0\.0\.1:7002/m);
});
