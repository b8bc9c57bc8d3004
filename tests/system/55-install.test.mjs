// 55-install - does `make install` put all where it belongs, leave a configuration alone, and `make uninstall` take it away?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { build, root, run } from './harness.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-install-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));

const CONF = '/etc/earshot/earshot.conf';
const UNITS = '/usr/local/lib/systemd/system';

async function make(target, destination) {
  const { code, stdout, stderr } = await run('make', ['-C', build, target, `DESTDIR=${destination}`], { timeout: 120000 });
  assert.equal(code, 0, `make ${target}: ${stderr}`);
  return stdout.toString();
}

/** All that is in a directory: its path from there on -> its mode in octal; only files, or all. */
function tree(where, all = false) {
  return new Map(fs.readdirSync(where, { recursive: true, withFileTypes: true }).filter((entry) => all || !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .map((file) => [file.slice(where.length), (fs.lstatSync(file).mode & 0o7777).toString(8)]));
}

const there = path.join(dir, 'there');
/** What an installation reads from. */
const sources = () => ['www', 'contrib', 'docs', 'man'].flatMap((name) => [...tree(path.join(root, name)).keys()]).length;
const before = sources();
const said = await make('install', there);
const files = tree(there);

test('is everything there, with the mode that it should have?', () => {
  const wanted = {
    '/usr/local/sbin/earshotd': '755', '/usr/local/bin/earshot': '755', [CONF]: '640',
    ...Object.fromEntries(['man1/earshot.1', 'man5/earshot.conf.5', 'man7/earshot-api.7', 'man8/earshotd.8'].map((page) => [`/usr/local/share/man/${page}`, '644'])),
    [`${UNITS}/earshot.service`]: '644', [`${UNITS}/earshot.socket`]: '644',
    '/usr/local/lib/sysusers.d/earshot.conf': '644', '/usr/local/lib/tmpfiles.d/earshot.conf': '644',
    ...Object.fromEntries(['index.html', 'earshot.js', 'earshot-chat.js', 'sw.js', 'client/client.js', 'vendor/emoji.json', 'vendor/lit-html/lit-html.js'].map((file) => [`/usr/local/share/earshot/www/${file}`, '644'])),
    ...Object.fromEntries(['README.md', 'docs/vps.md', 'nginx-example.conf', 'earshot.conf'].map((file) => [`/usr/local/share/doc/earshot/${file}`, '644'])),
  };
  for (const [file, mode] of Object.entries(wanted)) assert.equal(files.get(file), mode, file);
  for (const name of ['earshot.cgi', 'earshot.fcgi']) assert.equal(fs.realpathSync(`${there}/usr/local/lib/earshot/${name}`), fs.realpathSync(`${there}/usr/local/sbin/earshotd`));
  for (const name of fs.readdirSync(path.join(root, 'contrib'))) if (name.includes('example')) assert.ok(files.has(`/usr/local/share/doc/earshot/${name}`), name);
  for (const [file, mode] of files) assert.ok(['644', '755', '640'].includes(mode) || fs.lstatSync(there + file).isSymbolicLink(), `${file}: ${mode}`);
  assert.match(said, /earshot\.conf is new: it wants a jwt_secret/);
});

test('is each document that README.md and docs/ lead to installed with them?', () => {
  const doc = '/usr/local/share/doc/earshot/';
  for (const [file] of files) {
    if (!file.startsWith(doc) || !file.endsWith('.md')) continue;
    for (const [, link] of fs.readFileSync(there + file, 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const target = path.join(path.dirname(file), link);
      // What is about the code is with the code.
      if (/(HACKING\.md|www\/README\.md)$/.test(target)) continue;
      assert.ok(files.has(target), `${file} leads to ${link}, which is not installed`);
    }
  }
});

test('is what the Dockerfile takes from an installation there?', () => {
  const dockerfile = fs.readFileSync(path.join(root, 'contrib/docker/Dockerfile'), 'utf8');
  const taken = [...dockerfile.matchAll(/^COPY --from=build \/install(\S+)/gm)].map(([, file]) => file.replace(/^\/usr\//, '/usr/local/'));
  assert.ok(taken.length > 3);
  for (const file of taken) assert.ok(fs.existsSync(there + file), file);
});

test('are the paths of this installation in the units?', () => {
  const unit = fs.readFileSync(`${there}${UNITS}/earshot.service`, 'utf8');
  assert.match(unit, /^ExecStart=\/usr\/local\/sbin\/earshotd --config \/etc\/earshot\/earshot\.conf$/m);
  for (const [file] of files) if (/systemd|sysusers|tmpfiles/.test(file)) assert.doesNotMatch(fs.readFileSync(there + file, 'utf8'), /@(sbindir|sysconfdir|webgroup)@/, file);
});

test('do the user and the directories come as systemd makes them?', { skip: process.getuid() !== 0 && 'not root' }, async () => {
  assert.equal((await run('systemd-sysusers', [`--root=${there}`])).code, 0);
  const [, , uid, gid, , home, shell] = fs.readFileSync(`${there}/etc/passwd`, 'utf8').split('\n').find((line) => line.startsWith('earshot:')).split(':');
  assert.match(`${home} ${shell}`, /^\/nonexistent .*nologin$/);
  const { code, stderr } = await run('systemd-tmpfiles', [`--root=${there}`, '--create']);
  assert.equal(code, 0, stderr.toString());
  const [conf, sockets] = [CONF, '/run/earshot'].map((file) => fs.statSync(there + file));
  assert.deepEqual([conf.uid, conf.gid, conf.mode & 0o777], [0, Number(gid), 0o640]);
  assert.notEqual(Number(uid), 0);
  assert.equal(sockets.mode & 0o777, 0o755);
  for (const file of ['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow', '/etc/.pwd.lock']) fs.rmSync(there + file, { force: true });
  fs.rmSync(`${there}/run`, { recursive: true });
});

test('does a second install leave a changed configuration, and an uninstall, but nothing else?', async () => {
  fs.appendFileSync(there + CONF, 'anonymous = *=r\n');
  assert.match(await make('install', there), /earshot\.conf stays as it is/);
  assert.match(fs.readFileSync(there + CONF, 'utf8'), /anonymous = \*=r\n$/);
  await make('uninstall', there);
  assert.deepEqual([...tree(there).keys()], [CONF]);
  assert.ok(![...tree(there, true).keys()].some((name) => /earshot/.test(name) && !name.startsWith('/etc/')), 'directories are left');
});

test('does an uninstall take one that nobody changed?', async () => {
  await make('install', there);
  fs.copyFileSync(path.join(root, 'contrib/earshot.conf'), there + CONF);
  await make('uninstall', there);
  assert.deepEqual([...tree(there, true).keys()].filter((name) => /earshot/.test(name)), []);
  assert.equal(sources(), before, 'something was written into the sources');
});

test('who may not write to /etc: does he still get all else, and a word?', async () => {
  const mine = path.join(dir, 'mine');
  fs.mkdirSync(`${mine}/etc`, { recursive: true });
  fs.writeFileSync(`${mine}/etc/earshot`, 'no directory');
  assert.match(await make('install', mine), /earshot\.conf is not installed: make one from/);
  assert.ok(fs.existsSync(`${mine}/usr/local/sbin/earshotd`));
});
