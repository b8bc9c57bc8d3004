// quickstart - nginx has tests/system/quickstart.test.mjs; of each other web server, does `./quickstart --server NAME` run it,
// chat, stop all and leave nothing?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { marked, run, sleep, within } from '../system/harness.mjs';
import { programs, quickstart } from './quickstart.mjs';

for (const server of ['apache', 'apache-fcgid', 'apache-cgi', 'lighttpd', 'caddy']) {
  test(`${server}: does one chat, has the daemon started only where it is needed, is all gone after Ctrl-C?`, async () => {
    const q = await quickstart(server);
    const heard = run('curl', ['-sN', `${q.base}/rooms/lobby/events?as=text&count=1`]);
    await sleep(700);
    assert.equal(JSON.parse((await run('curl', ['-s', '-d', 'hello', `${q.base}/rooms/lobby/messages`])).stdout).content, 'hello');
    assert.equal((await within(5000, 'it is heard', heard)).stdout.toString(), 'anonymous: hello\n');
    assert.match((await run('curl', ['-s', q.page])).stdout.toString(), /<html/);
    assert.deepEqual(programs(q), [...(/fcgid|cgi/.test(server) ? [] : ['earshotd']), 'redis', server].sort());
    const sockets = path.dirname(/^unixsocket (.*)$/m.exec(fs.readFileSync(`${q.dir}/redis.conf`, 'utf8'))[1]);
    assert.match(sockets, /^\/tmp\/earshot\./);
    assert.equal(await q.stop(), 0, q.out);
    assert.deepEqual(marked(`TEST_MARK=${q.mark}`), []);
    assert.ok(!fs.existsSync(sockets), sockets);
  });
}
