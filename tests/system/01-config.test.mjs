// Does the daemon say what it is told, and refuse what it cannot do, before it serves anyone?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { SECRET, build, run } from './harness.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-test-'));
after(() => fs.rmSync(dir, { recursive: true }));

const daemon = (args, env = {}) => run(path.join(build, 'earshotd'), args, { env: { EARSHOT_CONFIG: undefined, ...env }, timeout: 10000 });

function file(text) {
  const name = path.join(dir, 'earshot.conf');
  fs.writeFileSync(name, text);
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

for (const [what, line, says] of [
  ['an unknown key', 'gaets = 4', /gates/],
  ['a value that is no number', 'gates = many', /gates/],
  ['a number out of range', 'gates = 100000', /gates/],
  ['a negative number', 'hubs = -1', /hubs/],
  ['an unknown unit', 'drain = 10 fortnights', /drain/],
  ['an unknown level', 'log_level = loud', /debug/],
  ['rights of unknown letters', 'anonymous = lobby=rx', /anonymous/],
  ['a relative socket', 'listen = unix:earshot.sock', /listen/],
  ['a port out of range', 'listen = 127.0.0.1:70000', /listen/],
  ['a line without =', 'gates 4', /=/],
  ['a Redis URL of another scheme', 'redis = mysql://127.0.0.1', /redis:\/\//],
]) {
  test(`is ${what} refused with file, line and what is allowed?`, async () => {
    const name = file(`${GOOD}\n${line}\n`);
    const { code, stderr } = await daemon(['--config', name, '--check-config']);
    assert.notEqual(code, 0);
    assert.match(stderr.toString(), says);
    assert.ok(stderr.includes(`${name}:3`) || /line 3/.test(stderr), `no file and line in: ${stderr}`);
    assert.ok(stderr.toString().trim().split('\n').length <= 3, `long-winded: ${stderr}`);
    assert.ok(!stderr.includes(SECRET));
  });
}

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
  const check = async (text) => (await daemon(['--config', file(text), '--check-config'])).stderr.toString();
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
