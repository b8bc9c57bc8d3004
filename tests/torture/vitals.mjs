// vitals.mjs - memory and descriptors of the daemon's processes, and what its log says of their ends.

import fs from 'node:fs';
import { childrenOf } from './faults.mjs';

const ROLES = ['supervisor', 'gate', 'hub'];

function vitals(pid) {
  const memory = fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name) => Number(memory.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))[1]);
  return {
    pid,
    fds: fs.readdirSync(`/proc/${pid}/fd`).length,
    // Not PSS, which moves with how many share a page with it.
    own_kib: kib('Anonymous'),
  };
}

/** { supervisor: [...], gate: [...], hub: [...] } */
export function measure(e) {
  const found = {};
  for (const role of ROLES) {
    found[role] = [];
    for (const pid of role === 'supervisor' ? [e.daemon.pid] : e.workers(role)) {
      try {
        found[role].push(vitals(pid));
      } catch { /* just ended */ }
    }
  }
  return found;
}

const most = (list, key) => Math.max(...list.map((one) => one[key]));

/** What a role's processes may have more at the end than at the start: a peak leaves holes. Descriptors: none. */
export const PEAK_KIB = { supervisor: 1024, gate: 4096, hub: 16384 };
/** And more than they had, when the same little work is done again and again. */
export const AGAIN_KIB = { supervisor: 64, gate: 96, hub: 512 };

/** What grew from one measurement to another: texts. `memory: false` for builds whose allocator keeps what is freed. */
export function grown(before, after, { memory = true, tolerance = PEAK_KIB } = {}) {
  const found = [];
  for (const role of ROLES) {
    const [was, is] = [before[role], after[role]];
    if (was.length === 0 || is.length === 0) {
      found.push(`${role}: there is none to measure`);
      continue;
    }
    if (most(is, 'fds') > most(was, 'fds')) found.push(`${role}: ${most(is, 'fds')} descriptors, ${most(was, 'fds')} before: ${names(is.find((one) => one.fds === most(is, 'fds')).pid)}`);
    const kib = most(is, 'own_kib') - most(was, 'own_kib');
    if (memory && kib > tolerance[role]) found.push(`${role}: ${kib} KiB more than before, ${tolerance[role]} are allowed`);
  }
  return found;
}

function names(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => `${fd}=${fs.readlinkSync(`/proc/${pid}/fd/${fd}`)}`).join(' ');
  } catch {
    return '';
  }
}

export const brief = (found) => ROLES.map((role) => `${role} ${found[role].map((one) => `${one.fds} fds ${one.own_kib} KiB`).join(', ')}`).join('; ');

/** Children of the daemon that have ended and that nobody has collected. */
export function zombies(e) {
  return childrenOf(e.daemon.pid).filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop()[0] === 'Z';
    } catch {
      return false;
    }
  });
}

/** Deaths in the daemon's log that were nobody's doing: texts. `killed`: pid to signals; `stopped`: pids. */
export function deaths(text, { killed, stopped }) {
  const found = [];
  for (const line of text.split('\n')) {
    const died = line.match(/worker=(\d+) died (signal|status)=(\d+)/);
    const stuck = line.match(/worker=(\d+) is stuck, killed/);
    if (stuck && !stopped.has(Number(stuck[1]))) found.push(`nobody stopped it: ${line}`);
    if (stuck) killed.set(Number(stuck[1]), [9]);
    if (/ERROR: \w+Sanitizer|runtime error:|Assertion .* failed/.test(line)) found.push(line);
    if (!died) continue;
    const [, pid, how, number] = [died[0], Number(died[1]), died[2], Number(died[3])];
    // One that was stopped while its generation ended is killed when that takes too long.
    const ours = how === 'signal' && number === 9 && (killed.get(pid)?.includes(9) || stopped.has(pid));
    if (!ours) found.push(`not ours: ${line}`);
  }
  return found;
}
