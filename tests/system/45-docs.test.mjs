// 45-docs - does each command of the README and of docs/ do what it says?
//
// A block ```sh runs as it stands, and must succeed; ```console also compares what it prints, as docs/tour.md does. All of
// a page run in one shell. What no test runs says so and why, "```sh not-run: needs systemd", and what another test runs
// says which, "```sh run-by: tests/...".
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { build, root, run } from './harness.mjs';
import { siteOf } from './site.mjs';
import { plain, steps } from './tour.mjs';

const docs = fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'tour.md').map((name) => `docs/${name}`);
const pages = ['README.md', ...docs];
const [e] = await siteOf(1, { anonymous: '*=rw', guests: 'on', rate_send: '1000/10s', rate_guest: '1000/10s' });

/** The blocks of a page: { line, about, text }, `about` being what stands behind the three marks. */
function blocks(page) {
  const found = [], lines = fs.readFileSync(path.join(root, page), 'utf8').split('\n');
  for (let i = 0; i < lines.length; i++) {
    const [, indent, about] = /^( *)```(.*)$/.exec(lines[i]) ?? [];
    if (indent === undefined) continue;
    const end = lines.indexOf(`${indent}\`\`\``, i + 1);
    assert.ok(end > 0, `${page}:${i + 1}: a block without an end`);
    found.push({ line: i + 1, about: about.trim(), text: lines.slice(i + 1, end).map((line) => line.slice(indent.length)).join('\n') });
    i = end;
  }
  return found;
}

/** What a block is run as: [{ command, expected }], expected being null where anything may be printed. */
const commandsOf = ({ about, text }) => (about === 'console' ? steps(`\`\`\`console\n${text}\n\`\`\``) : about === 'sh' ? [{ command: text, expected: null }] : []);

test('does each block say what it is?', () => {
  for (const page of pages) {
    for (const { line, about, text } of blocks(page)) {
      const where = `${page}:${line}`, other = /^sh run-by: (\S+)$/.exec(about)?.[1];
      assert.notEqual(about, '', `${where}: a block without a language`);
      if (other) assert.ok(fs.existsSync(path.join(root, other)), `${where}: ${other} is not there`);
      else if (/^(sh|console|bash|shell)\b/.test(about)) assert.match(about, /^(sh|console|sh not-run: .{8,})$/, where);
      else assert.doesNotMatch(text, /^\s*(curl|earshot|systemctl|apt-get|redis-cli|sudo|make) /m, `${where}: commands that no test runs`);
    }
  }
});

// The commands reach this Redis, and fail where the server refuses.
const bin = fs.mkdtempSync(path.join(e.dir, 'bin-'));
for (const [name, line] of [['redis-cli', `exec /usr/bin/redis-cli -s ${e.dir}/redis.sock "$@"`], ['curl', 'exec /usr/bin/curl --fail-with-body "$@"']]) {
  fs.writeFileSync(path.join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

for (const page of pages) {
  const all = blocks(page).flatMap((block) => commandsOf(block).map((one) => ({ ...one, where: `${page}:${block.line}` })));
  if (all.length === 0) continue;
  test(`${page}: do its ${all.length} commands?`, async () => {
    const mark = '--- the next step';
    const script = all.map(({ command, expected }) => (expected === null
      ? `set -e -o pipefail\n${command}\nset +e +o pipefail\necho; echo '${mark}'`
      : `${command.replace(/\bcurl\b/g, '/usr/bin/curl')}\necho; echo '${mark}'`)).join('\n');
    const env = { E: e.base, HOME: e.dir, PATH: `${bin}:${build}:${process.env.PATH}`, EARSHOT_CONFIG: `${e.dir}/earshot.conf`, EARSHOT_URL: e.base };
    const { stdout } = await run('bash', ['-c', `exec 2>&1\n${script}`], { env, cwd: e.dir, timeout: 120000 });
    const printed = stdout.toString().split(`${mark}\n`).slice(0, -1).map((text) => text.replace(/\n+$/, ''));
    assert.equal(printed.length, all.length, `${all[printed.length]?.where}: failed:\n${stdout.toString().split(`${mark}\n`).at(-1)}`);
    all.forEach(({ command, expected, where }, i) => { if (expected !== null) assert.equal(plain(printed[i]), plain(expected), `${where}: ${command}`); });
  });
}
