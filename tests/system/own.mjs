// An earshot whose binary is a copy in its own directory, so that a test can replace it.

import fs from 'node:fs';
import path from 'node:path';
import { build, Earshot } from './harness.mjs';

/** `prepare(e)`, if given, comes before the daemon. */
export async function startOwn({ conf, prepare, ...options } = {}) {
  const e = await Earshot.start({ conf: { hubs: 2, gates: 8, ...conf }, ...options, daemon: false, nginx: false });
  await prepare?.(e);
  e.binary = path.join(e.dir, 'earshotd');
  fs.copyFileSync(path.join(build, 'earshotd'), e.binary);
  await e.startDaemon();
  await e.startNginx();
  await e.ready();
  return e;
}

/** Runs `body` with an earshot of its own and stops that after it, however it ends. */
export async function withOwn(options, body) {
  const e = await startOwn(options);
  try {
    await body(e);
  } finally {
    e.over = true;
    await e.stop();
  }
}

export const workersOf = (e) => [...e.workers('hub'), ...e.workers('gate')];
export const inodeOf = (pid) => fs.statSync(`/proc/${pid}/exe`).ino;

/** A process is gone when nothing has its number, or only what waits to be reaped. */
export function isGone(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop()[0] === 'Z';
  } catch {
    return true;
  }
}

/** Puts a file in the place of the binary, as an upgrade does; returns its inode. */
export function replaceBinary(e, from = path.join(build, 'earshotd')) {
  fs.copyFileSync(from, `${e.binary}.new`);
  fs.chmodSync(`${e.binary}.new`, 0o755);
  fs.renameSync(`${e.binary}.new`, e.binary);
  return fs.statSync(e.binary).ino;
}

export function replaceByScript(e, script) {
  fs.writeFileSync(`${e.dir}/script`, `#!/bin/sh\n${script}\n`);
  return replaceBinary(e, `${e.dir}/script`);
}
