// quickstart.mjs - a `./quickstart --server NAME` of a test, stopped at its end.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { freePort, root, sleep, until, within } from '../system/harness.mjs';

const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot test-'));
// As root, the servers run as www-data, who must get in.
fs.chmodSync(temp, 0o755);
const running = new Set();
after(async () => {
  for (const q of running) {
    q.child.kill('SIGTERM');
    await Promise.race([q.ended, sleep(10000)]);
  }
  fs.rmSync(temp, { recursive: true, force: true });
});

/** Starts it and returns it once it says that it is ready: `page` is the page's address, `base` the API's; `stop()` as Ctrl-C does. */
export async function quickstart(server) {
  const mark = randomBytes(8).toString('hex'), port = await freePort(), dir = path.join(temp, server);
  const child = spawn(path.join(root, 'quickstart'), ['--server', server, '--port', String(port), '--dir', dir], { detached: true, env: { ...process.env, TEST_MARK: mark }, stdio: ['ignore', 'pipe', 'pipe'] });
  const q = { child, dir, mark, page: `http://127.0.0.1:${port}/chat/`, base: `http://127.0.0.1:${port}/chat/v1`, out: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { q.out += chunk; });
  q.ended = new Promise((resolve) => { child.on('close', resolve); });
  q.stop = async () => {
    process.kill(-child.pid, 'SIGINT');
    const code = await within(20000, 'it ends', q.ended);
    running.delete(q);
    return code;
  };
  running.add(q);
  await until(`${server} is ready`, () => {
    if (child.exitCode !== null) throw new Error(q.out);
    return q.out.includes('Ctrl-C stops all');
  }, 120000).catch((error) => { throw new Error(`${error.message}\n${q.out}`); });
  return q;
}

/** The names of what it has started. */
export const programs = (q) => fs.readdirSync(`${q.dir}/pids`).filter((name) => name.endsWith('.pid') && name !== 'nginx-master.pid').map((name) => name.replace('.pid', '')).sort();
