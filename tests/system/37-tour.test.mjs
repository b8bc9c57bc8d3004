// 37-tour - does every command of docs/tour.md print what stands behind it?
//
// TOUR=write puts what they print into the page, to be read before it is committed.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { build, root, run } from './harness.mjs';
import { siteOf } from './site.mjs';
import { plain, rewrite, steps } from './tour.mjs';

const page = path.join(root, 'docs/tour.md');
const [e] = await siteOf(2, { anonymous: 'lobby=rw,news=r', rate_send: '100/10s', rate_guest: '100/10s' });

/** Runs all commands in one shell, whose variables last; gives what each printed. */
async function walk(all) {
  const mark = '--- the next step';
  const script = all.map(({ command }) => `${command}\necho; echo '${mark}'`).join('\n');
  const env = { E: e.base, PATH: `${build}:${process.env.PATH}`, EARSHOT_CONFIG: `${e.dir}/earshot.conf`, EARSHOT_URL: e.base };
  const { stdout } = await run('bash', ['-c', `exec 2>&1\n${script}`], { env, cwd: e.dir, timeout: 60000 });
  return stdout.toString().split(`${mark}\n`).slice(0, -1).map((text) => text.replace(/\n+$/, ''));
}

test('does it?', async () => {
  const text = fs.readFileSync(page, 'utf8');
  const all = steps(text);
  assert.ok(all.length > 30, `a tour of ${all.length} steps is none`);
  const printed = await walk(all);
  assert.equal(printed.length, all.length);
  if (process.env.TOUR === 'write') fs.writeFileSync(page, rewrite(text, printed.map((p) => p.replaceAll(e.base, 'http://127.0.0.1:8080/chat/v1'))));
  else all.forEach((step, i) => assert.equal(plain(printed[i]), plain(step.expected), `docs/tour.md:${step.line}: ${step.command}`));
});

test('does it lead past every path of the interface?', () => {
  const text = fs.readFileSync(page, 'utf8');
  const { paths } = JSON.parse(fs.readFileSync(path.join(root, 'src/api/openapi.json'), 'utf8'));
  const commands = steps(text).map((s) => s.command).join('\n');
  for (const name of Object.keys(paths)) {
    const pattern = name.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/ "?]+');
    assert.match(commands, new RegExp(`\\$E${pattern}(?=[ "?\\n'&]|$)`, 'm'), `no step asks ${name}`);
  }
});
