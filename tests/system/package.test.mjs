// Is in the Debian package what it should have, and does it install, serve as docs/vps.md says, and go without a trace?
//
// EARSHOT_DEB is the package; ./quickstart check deb builds it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, run } from './harness.mjs';

const deb = process.env.EARSHOT_DEB;
const skip = !deb && 'EARSHOT_DEB names no package';
const out = async (...command) => (await run(command[0], command.slice(1), { timeout: 120000 })).stdout.toString();

test('is all in it, of the version of the sources?', { skip }, async () => {
  const files = new Set((await out('dpkg-deb', '-c', deb)).split('\n').map((line) => line.split(/\s+/)[5]?.replace(/^\./, '')));
  const doc = '/usr/share/doc/earshot/';
  const wanted = [
    '/usr/sbin/earshotd', '/usr/bin/earshot', '/etc/earshot/earshot.conf',
    '/usr/share/man/man1/earshot.1.gz', '/usr/share/man/man5/earshot.conf.5.gz', '/usr/share/man/man7/earshot-api.7.gz', '/usr/share/man/man8/earshotd.8.gz',
    '/lib/systemd/system/earshot.service', '/lib/systemd/system/earshot.socket', '/usr/lib/sysusers.d/earshot.conf', '/usr/lib/tmpfiles.d/earshot.conf',
    '/usr/share/earshot/www/index.html', '/usr/share/earshot/www/vendor/emoji.json', '/usr/share/earshot/www/vendor/lit-html/lit-html.js',
    ...['copyright', 'README.md', 'nginx-example.conf'].map((file) => doc + file),
    '/usr/lib/earshot/earshot.cgi', '/usr/lib/earshot/earshot.fcgi',
    ...fs.readdirSync(path.join(root, 'contrib')).filter((name) => name.includes('example')).map((name) => doc + name),
    ...['contrib/prometheus/earshot.rules.yml', 'contrib/grafana/earshot.json'].map((name) => doc + name),
    ...fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `${doc}docs/${name}`),
  ];
  assert.deepEqual(wanted.filter((file) => !files.has(file)), []);
  const version = /AC_INIT\(\[earshot\], \[([^\]]+)\]/.exec(fs.readFileSync(path.join(root, 'configure.ac'), 'utf8'))[1];
  assert.equal((await out('dpkg-deb', '-f', deb, 'Version')).trim(), `${version}-1`);
  assert.equal(await out('dpkg-deb', '-I', deb, 'conffiles'), '/etc/earshot/earshot.conf\n');
});

test('does it install, serve, install again, and go?', { skip: skip || (process.getuid() !== 0 && 'not root') }, async (t) => {
  const here = (name) => path.join(root, 'tests/system', name);
  const { code, stdout, stderr } = await run('sh', [here('in-a-root.sh'), here('package.sh'), deb], { timeout: 120000 });
  if (code === 77) return t.skip('no root of its own is to be had here');
  const said = stdout.toString();
  assert.equal(code, 0, said + stderr);
  const value = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(said)?.[1].trim();
  assert.match(value('user'), /^\/nonexistent:.*nologin$/);
  assert.equal(value('modes'), '640 root:earshot 640 root:earshot');
  assert.equal(value('secret'), '64');
  assert.equal(value('enabled'), './multi-user.target.wants/earshot.service ./sockets.target.wants/earshot.socket');
  assert.equal(value('readyz'), '200');
  assert.match(value('heard'), /: from the package$/);
  assert.equal(value('page'), '200 text/html; charset=utf-8');
  assert.equal(value('vendor'), '200');
  assert.equal(value('token'), '2');
  assert.equal(value('stopped'), 'yes');
  assert.equal(value('again'), '1 640 root:earshot same');
  assert.equal(value('removed'), 'yes earshot.conf jwt_secret');
  assert.equal(value('purged'), '');
  assert.equal(value('user-gone'), 'yes');
  return undefined;
});
