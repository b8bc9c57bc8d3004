// work.mjs - what is measured: each work starts from fresh servers and returns numbers.
import { byRole, cpuUs, difference, memory, pssKib, total } from './weigh.mjs';
import { sleep } from './servers.mjs';

const SETTLE_MS = 1500;

// What `n` connections have added since `before`, KiB for each.
function perConnection(before, after, n) {
    const user = Object.fromEntries(Object.entries(difference(after.user, before.user)).map(([role, kib]) => [role, kib / n]));
    const kernel = after.kernel === null ? null : (after.kernel - before.kernel) / n;
    return { user_kib: total(user), kernel_kib: kernel, all_kib: total(user) + (kernel ?? 0), by_role: user };
}

// Publishes once or more, so that what is made at the first use is made.
async function warm(load) {
    await load.command('publish n=4 rate=200 seconds=0.3 rooms=1 drain=2');
}

// A publish command, with the processor time of each group for a delivery, or for a message.
async function publish(stack, load, line, unit = 'deliveries') {
    const before = byRole(stack.pids(), cpuUs);
    const result = await load.command(`publish ${line}`);
    const cpu = difference(byRole(stack.pids(), cpuUs), before);
    result.cpu_by_role = Object.fromEntries(Object.entries(cpu).map(([role, us]) => [role, us / result[unit]]));
    result.cpu_us = total(cpu) / result[unit];
    result.lost = result.expected - result.deliveries;
    return result;
}

const form = (stack) => (stack.peer === 'socketio' ? 'ws' : 'sse');

async function idle(stack, load) {
    const result = {};
    let n = 0;
    await warm(load);
    await sleep(SETTLE_MS);
    const before = stack.memoryBefore ?? memory(stack);
    for (const goal of [1000, 5000, 10000].filter((size) => size <= most(stack))) {
        await load.command(`open n=${goal - n} rooms=100 form=${form(stack)}`);
        n = goal;
        await load.command(`rest seconds=${SETTLE_MS / 1000}`);
        result[`n${n}`] = perConnection(before, memory(stack), stack.settings.quick ? n / 10 : n);
    }
    // Buffers that are made for the first message stay.
    await load.command('publish n=1 rate=50 rooms=100 count=100 seconds=3');
    await load.command(`rest seconds=${SETTLE_MS / 1000}`);
    result.used = perConnection(before, memory(stack), stack.settings.quick ? n / 10 : n);
    return result;
}

async function connect(stack, load) {
    await warm(load);
    return load.command(`open n=5000 rooms=50 form=${form(stack)}`);
}

async function fanOut(stack, load, n, rate) {
    await warm(load);
    await load.command(`open n=${n} rooms=1 form=${form(stack)}`);
    await load.command('rest seconds=0.5');
    return publish(stack, load, `n=1 rate=${rate} seconds=4 rooms=1`);
}

async function rooms(stack, load) {
    await warm(load);
    await load.command(`open n=2000 rooms=500 form=${form(stack)}`);
    await load.command('rest seconds=0.5');
    return publish(stack, load, 'n=8 rate=500 seconds=3 rooms=500');
}

async function saturation(stack, load) {
    await warm(load);
    await load.command(`open n=1000 rooms=1 form=${form(stack)} follow=1`);
    await load.command('rest seconds=0.5');
    const result = await publish(stack, load, 'n=4 rate=0 seconds=4 rooms=1 drain=20');
    result.deliveries_s = result.in_time / result.seconds;
    result.publishes_s = result.acked / result.seconds;
    return result;
}

async function publishing(stack, load, listeners) {
    await warm(load);
    if (listeners > 0) await load.command(`open n=${listeners} form=${form(stack)}`);
    const result = await publish(stack, load, 'n=16 rate=0 seconds=2 rooms=1 drain=5', 'acked');
    result.publishes_s = result.acked / result.seconds;
    result.pss_by_role = byRole(stack.pids(), pssKib);
    return result;
}

async function rest(stack, load) {
    await warm(load);
    await load.command(`open n=1 form=${form(stack)}`);
    await load.command('rest seconds=0.5');
    return publish(stack, load, 'n=1 rate=50 seconds=3');
}

// All are cut at once, a message is sent to each room, all come back with their cursors. Where a peer
// has none, they only come back.
async function storm(stack, load) {
    const resumes = ['earshot', 'nchan'].includes(stack.peer);
    await warm(load);
    await load.command(`open n=5000 rooms=10 form=${form(stack)} follow=${resumes ? 1 : 0}`);
    await load.command('rest seconds=0.5');
    const first = await load.command('publish n=1 rate=50 rooms=10 count=10 seconds=0.5');
    await load.command('cut');
    await load.command('rest seconds=0.5');
    await load.command('publish n=1 rate=50 rooms=10 count=10 seconds=0.5 drain=0.2');
    const before = stack.redisCommands();
    const result = await load.command(`again missed=${resumes ? 1 : 0} window=${resumes ? 5000 : 200}`);
    result.resumes = resumes;
    result.lost_before = first.expected - first.deliveries;
    result.redis_per_100 = (stack.redisCommands() - before) / 50;
    return result;
}

async function pollFanOut(stack, load, n, rate) {
    await warm(load);
    await load.command(`open n=${n} rooms=1 form=poll`);
    await load.command('rest seconds=1');
    return publish(stack, load, `n=1 rate=${rate} seconds=4`);
}

// 200 listeners, and 100 more: these read too, then they do not, then they do again. Large messages,
// so that what the kernel and the web server hold for a reader is full within seconds.
async function slow(stack, load) {
    await warm(load);
    await load.command(`open n=200 rooms=1 form=${form(stack)}`);
    await load.command(`open n=100 rooms=1 form=${form(stack)} quiet=1`);
    await load.command('rest seconds=0.5');
    const before = await publish(stack, load, 'n=1 rate=20 seconds=4 size=4000');
    await load.command('stall on=1');
    const result = await publish(stack, load, 'n=1 rate=20 seconds=8 size=4000');
    await load.command('stall on=0');
    await load.command('rest seconds=2'); // what waited for them has gone
    const after = await publish(stack, load, 'n=1 rate=20 seconds=4 size=4000');
    result.p99_without_us = (before.p99_us + after.p99_us) / 2;
    return { ...result, p99_ratio: result.p99_us / result.p99_without_us };
}

// How many listeners a peer is asked to hold.
export const most = (stack) => (stack.peer === 'php' ? 1000 : 10000);

// Those that can be asked by long-poll without losing what comes in between.
const POLLING = ['earshot', 'nchan', 'socketio'];

// The peer `checked` is for what publishers do: its listeners are earshot's.
export const measures = (work, peer) => WORKS[work].only?.includes(peer) ?? (peer !== 'checked' || work.startsWith('publish-'));

export const WORKS = {
    idle: { run: idle, n: 1000 },
    connect: { run: connect, n: 5000 },
    'fanout-1k': { run: (s, l) => fanOut(s, l, 1000, 20), n: 1000 },
    'fanout-10k': { run: (s, l) => fanOut(s, l, 10000, 2), n: 10000 },
    rooms: { run: rooms, n: 2000 },
    saturation: { run: saturation, n: 1000 },
    'publish-0': { run: (s, l) => publishing(s, l, 0), n: 0 },
    'publish-1': { run: (s, l) => publishing(s, l, 1), n: 1 },
    rest: { run: rest, n: 1 },
    storm: { run: storm, n: 5000 },
    'poll-fanout': { run: (s, l) => pollFanOut(s, l, 1000, 2), n: 1000, only: POLLING },
    'poll-rest': { run: (s, l) => pollFanOut(s, l, 1, 20), n: 1, only: POLLING },
    slow: { run: slow, n: 300 },
};

// A smoke: does it all still run? Its figures mean nothing.
export const QUICK = {
    peers: ['earshot', 'nchan', 'floor'],
    works: ['fanout-1k', 'saturation', 'publish-0', 'storm'],
};
