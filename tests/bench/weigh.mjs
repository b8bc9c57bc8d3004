// weigh.mjs - what processes cost: memory, processor time, and the kernel's memory for them.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';

const read = (path) => {
    try {
        return readFileSync(path, 'utf8');
    } catch {
        return '';
    }
};

// The process and all its descendants that live.
export function family(pid) {
    const found = [pid];
    for (const child of tasks(pid).flatMap((t) => read(`/proc/${pid}/task/${t}/children`).split(' ')))
        if (child !== '') found.push(...family(Number(child)));
    return found;
}

function tasks(pid) {
    try {
        return readdirSync(`/proc/${pid}/task`);
    } catch {
        return [];
    }
}

// gate, hub, nginx, redis ...: the group that a process is shown in.
export function roleOf(pid) {
    const comm = read(`/proc/${pid}/comm`).trim();
    return { 'redis-server': 'redis', 'earshot-gate': 'gates', 'earshot-hub': 'hubs' }[comm] ??
        (comm.startsWith('php-fpm') ? 'php' : comm);
}

// PSS, KiB: a page that n processes share counts 1/n. What was swapped out counts as if it were not.
export function pssKib(pid) {
    let kib = 0;
    for (const [, n] of read(`/proc/${pid}/smaps_rollup`).matchAll(/^(?:Pss|SwapPss): *(\d+) kB/gm)) kib += Number(n);
    return kib;
}

// All threads, in microseconds. A thread that has ended is not in it; ours live as long as their process.
export function cpuUs(pid) {
    return tasks(pid).reduce((sum, t) => sum + Number(read(`/proc/${pid}/task/${t}/schedstat`).split(' ')[0]) / 1000, 0);
}

// Sums `measure` over the families by role.
export function byRole(pids, measure) {
    const sums = {};
    for (const pid of pids.flatMap(family)) {
        const role = roleOf(pid);
        if (role !== '') sums[role] = (sums[role] ?? 0) + measure(pid);
    }
    return sums;
}

export const difference = (after, before) =>
    Object.fromEntries(Object.keys(after).map((role) => [role, after[role] - (before[role] ?? 0)]));

export const total = (sums) => Object.values(sums).reduce((a, b) => a + b, 0);

// Of all servers of a stack, KiB: by role, and what the kernel keeps for them.
export function memory(stack) {
    const user = byRole(stack.pids(), pssKib);
    return { user, kernel: stack.settings.group?.kernelKib() ?? null };
}

// A control group of our own, in which the servers run and the clients do not. What the kernel keeps
// for the servers (sockets, files, epoll entries, page tables) is charged to it. Version 1 has it as
// memory.kmem; version 2 as "kernel" and "sock" of memory.stat. null where there is none or we may
// not make one.
export function controlGroup() {
    const name = `earshot-bench.${process.pid}`;
    const own = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(read('/proc/self/cgroup'))?.[1];
    const candidates = own === undefined ? [] : [`/sys/fs/cgroup/memory${own}`, '/sys/fs/cgroup/memory'];
    if (read('/sys/fs/cgroup/cgroup.subtree_control').includes('memory')) candidates.push('/sys/fs/cgroup');
    for (const parent of candidates) {
        const path = `${parent}/${name}`;
        try {
            mkdirSync(path);
            countSockets(path);
        } catch {
            continue;
        }
        if (existsSync(`${path}/memory.kmem.usage_in_bytes`) || existsSync(`${path}/memory.stat`))
            return { path, kernelKib: () => kernelKib(path), remove: () => removeGroup(path) };
        rmdirSync(path);
    }
    return null;
}

// Version 1 counts TCP sockets only where they have a limit.
function countSockets(path) {
    const limit = `${path}/memory.kmem.tcp.limit_in_bytes`;
    if (existsSync(limit)) writeFileSync(limit, String(2 ** 40));
}

function kernelKib(path) {
    if (existsSync(`${path}/memory.kmem.usage_in_bytes`))
        return (Number(read(`${path}/memory.kmem.usage_in_bytes`)) + Number(read(`${path}/memory.kmem.tcp.usage_in_bytes`))) / 1024;
    const stat = read(`${path}/memory.stat`);
    const field = (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1] ?? 0);
    return (field('kernel') + field('sock')) / 1024;
}

function removeGroup(path) {
    try {
        rmdirSync(path);
    } catch {
        // A process is still ending; an empty group costs nothing and says whose it is.
    }
}
