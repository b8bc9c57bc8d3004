// 57-containers - is what the Dockerfile and compose.yaml name there: files, packages, stages, keys?
//
// No engine runs here, so no image is built; what can be looked at without one is.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { before, test } from 'node:test';
import { build, Earshot, root, run } from './harness.mjs';

const docker = path.join(root, 'contrib/docker');
let steps, compose;

before(async () => {
  const told = await run('/usr/bin/python3', [path.join(root, 'tests/system/containers.py'), `${docker}/Dockerfile`, `${docker}/compose.yaml`]);
  assert.equal(told.code, 0, told.stderr.toString());
  ({ steps, compose } = JSON.parse(told.stdout));
});
const of = (stage, word) => steps.filter((step) => step.stage === stage && step.word === word).map(({ text }) => text);

test('does each step name stages, packages and files that are there?', async () => {
  const stages = steps.filter(({ word }) => word === 'FROM').map(({ text }) => text);
  assert.deepEqual(stages.map((text) => text.replace(/ AS .*/, '')), Array(3).fill('debian:bookworm-slim'));
  for (const { stage, word, text } of steps) {
    if (word !== 'COPY') continue;
    // What comes from the first stage is looked at by 55-install.
    if (text.startsWith('--from=')) assert.match(text, /^--from=build \/install\//, stage);
    else assert.ok(fs.existsSync(path.join(root, text.split(' ')[0])), `${stage}: ${text}`);
  }
  const packages = ['build', 'earshotd', 'web'].flatMap((stage) => {
    const lists = of(stage, 'RUN').flatMap((text) => [...text.matchAll(/apt-get install -y --no-install-recommends ([^&]*)/g)].map(([, list]) => list.trim()));
    assert.equal(lists.length, 1, stage);
    return lists[0].split(' ');
  });
  const { code, stderr } = await run('apt-cache', ['show', '--no-all-versions', ...packages], { timeout: 60000 });
  assert.equal(code, 0, stderr.toString());
});

test('has the daemon\'s image all that it is linked with, and the build all that quickstart has?', async () => {
  const linked = (await run('ldd', [path.join(build, 'earshotd'), path.join(build, 'earshot')])).stdout.toString();
  const installed = of('earshotd', 'RUN').join(' ');
  for (const name of ['libcurl4', 'libfcgi0ldbl', 'libhiredis0.14', 'libjson-c5', 'libjwt0', 'libsodium23', 'libssl3', 'libuv1']) assert.ok(installed.includes(name), name);
  const direct = [...linked.matchAll(/^\s+lib(fcgi|hiredis|json-c|sodium|jwt|crypto|uv|curl)\.so/gm)].map(([, name]) => name);
  assert.equal(new Set(direct).size, 8, linked);
  const needs = /^RUN_NEEDS="([^"]*)"/m.exec(fs.readFileSync(path.join(root, 'quickstart'), 'utf8'))[1];
  const packages = [...needs.matchAll(/=(lib\S+-dev|uthash-dev|autoconf|automake|gcc|make)(?=\s|$)/g)].map(([, name]) => name);
  assert.deepEqual(packages.filter((name) => !of('build', 'RUN').join(' ').includes(name)), []);
});

test('does each change to a configuration change something?', () => {
  const site = fs.readFileSync(path.join(root, 'nginx-example.conf'), 'utf8');
  const changes = [...of('web', 'RUN').at(-1).matchAll(/-e 's\|([^|]*)\|/g)].map(([, from]) => from);
  assert.equal(changes.length, 3);
  for (const from of changes) assert.ok(site.includes(from), from);
});

test('does compose.yaml name what the Dockerfile and earshot.conf(5) have?', () => {
  const { services, networks, volumes, secrets } = compose;
  for (const [name, { build: made, networks: on, volumes: mounted = [] }] of Object.entries(services)) {
    if (made) {
      assert.ok(fs.existsSync(path.join(docker, made.context, made.dockerfile)), name);
      assert.ok(steps.some(({ stage }) => stage === made.target), name);
    }
    for (const one of on) assert.ok(one in networks, `${name}: ${one}`);
    for (const one of mounted) assert.ok(one.split(':')[0] in volumes, `${name}: ${one}`);
  }
  const keys = fs.readFileSync(path.join(root, 'man/earshot.conf.5'), 'utf8');
  for (const name of Object.keys(services.earshotd.environment)) {
    assert.ok(keys.includes(`.It Ic ${name.replace(/^EARSHOT_/, '').replace(/_FILE$/, '').toLowerCase()} `), name);
  }
  assert.deepEqual(services.earshotd.secrets, Object.keys(secrets));
  assert.ok(services.redis.command.join(' ').includes('--appendonly yes') && services.redis.command.includes('noeviction'));
});

test('does the daemon\'s health check tell well from ill?', async (t) => {
  if (!fs.existsSync('/usr/bin/cgi-fcgi')) return t.skip('cgi-fcgi is missing');
  const command = of('earshotd', 'HEALTHCHECK')[0].replace(/^.*? CMD /, '');
  const e = await Earshot.start();
  const check = () => run('sh', ['-c', command.replace('/run/earshot/earshot.sock', `${e.dir}/earshot.sock`)]);
  try {
    assert.equal((await check()).code, 0);
    await e.redis.stop();
    assert.notEqual((await check()).code, 0);
  } finally {
    await e.stop();
  }
  return undefined;
});
