// report.mjs - from runs to figures: medians, spreads, ratios, and the table of figures to reach.

const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
};

// A result's number by a dotted key: "n1000.all_kib".
const pick = (run, key) => key.split('.').reduce((at, part) => at?.[part], run);

// { median, least, most } of a key over the rounds, or null.
export function spread(results, work, peer, key) {
    const values = (results[work]?.[peer] ?? []).map((run) => pick(run, key)).filter(Number.isFinite);
    return values.length === 0 ? null : { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

// Round by round, since a round's peers ran within seconds of each other.
export function ratio(results, work, key, over, under) {
    const a = results[work]?.[over] ?? [], b = results[work]?.[under] ?? [];
    const values = a.map((run, i) => pick(run, key) / pick(b[i], key)).filter(Number.isFinite);
    return values.length === 0 ? null : { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

// What is shown of each work: key, heading, what the number is divided by.
const TIMES = [['p50_us', 'p50 ms', 1000], ['p99_us', 'p99 ms', 1000], ['cpu_us', 'CPU us/delivery', 1]];
const PUBLISHES = [['publishes_s', 'publishes/s', 1], ['cpu_us', 'CPU us/publish', 1]];
export const SHOWN = {
    idle: ['1,000, 5,000 and 10,000 idle listeners on 100 rooms: memory a connection', [
        ['n1000.all_kib', '1k KiB', 1], ['n5000.all_kib', '5k KiB', 1], ['n10000.all_kib', '10k KiB', 1],
        ['n10000.kernel_kib', 'of it kernel', 1], ['used.all_kib', 'after a message each', 1], ['used.kernel_kib', 'of it kernel', 1]]],
    connect: ['connecting 5,000 listeners', [['ms', 'ms', 1]]],
    'fanout-1k': ['1 room of 1,000, 20 messages/s', TIMES],
    'fanout-10k': ['1 room of 10,000, 2 messages/s', TIMES],
    rooms: ['2,000 listeners on 500 rooms, 500 messages/s', TIMES],
    saturation: ['1 room of 1,000, published as fast as accepted by 4', [
        ['deliveries_s', 'deliveries/s', 1], ['publishes_s', 'accepted/s', 1], ['lost', 'lost', 1], ['cpu_us', 'CPU us/delivery', 1]]],
    'publish-0': ['16 publishers, nobody listens', PUBLISHES],
    'publish-1': ['16 publishers, one listener', PUBLISHES],
    rest: ['1 listener, 50 messages/s: latency at rest', [['p50_us', 'p50 ms', 1000], ['p99_us', 'p99 ms', 1000], ['reply_p50_us', 'reply p50 ms', 1000]]],
    storm: ['5,000 on 10 rooms cut at once, back with what they missed', [
        ['ms', 'ms', 1], ['missing', 'not resumed', 1], ['redis_per_100', 'Redis commands/100', 1]]],
    'poll-fanout': ['long-poll: 1 room of 1,000, 2 messages/s', TIMES],
    'poll-rest': ['long-poll: 1 listener, 20 messages/s', [['p50_us', 'p50 ms', 1000], ['p99_us', 'p99 ms', 1000]]],
    slow: ['200 listeners, 20 messages/s of 4 kB; 100 more, reading or not', [
        ['p99_without_us', 'p99 ms, all read', 1000], ['p99_us', 'p99 ms, 100 do not', 1000], ['p99_ratio', 'ratio', 1]]],
};

export const NAMES = { earshot: 'earshot', nchan: 'Nchan+Redis', socketio: 'Socket.IO+Redis', php: 'PHP-FPM+Redis', floor: 'floor', checked: 'earshot, all checks on' };

// Three digits that mean something.
export function digits(n) {
    if (n === 0 || n === undefined) return '0';
    const size = Math.abs(n);
    if (size >= 1000) return Math.round(n).toLocaleString('en');
    return size >= 100 ? n.toFixed(0) : size >= 10 ? n.toFixed(1) : n.toFixed(2);
}

const cell = (s, divisor) => (s === null ? '-' : s.least === s.most ? digits(s.median / divisor) : `${digits(s.median / divisor)} (${digits(s.least / divisor)}-${digits(s.most / divisor)})`);
const times = (r) => (r === null ? '-' : digits(r.median));

// Rows of a work: the peer, then each key's median (least-most); then the ratios of the first keys.
export function rowsOf(results, work) {
    const keys = SHOWN[work][1];
    return Object.keys(NAMES).filter((peer) => results[work]?.[peer]).map((peer) => [
        NAMES[peer],
        ...keys.map(([key, , divisor]) => cell(spread(results, work, peer, key), divisor)),
        ...['nchan', 'floor'].map((base) => (peer === base ? '1' : times(ratio(results, work, keys[0][0], peer, base)))),
    ]);
}

export const headOf = (work) => ['', ...SHOWN[work][1].map(([, heading]) => heading), `${SHOWN[work][1][0][1]} / Nchan`, '/ floor'];

// What is shown by groups of processes: work, key, heading.
export const GROUPED = [
    ['idle', 'used.by_role', 'Memory a connection by group of processes, KiB, 10,000 after a message each'],
    ['fanout-10k', 'cpu_by_role', 'CPU a delivery by group of processes, us, 1 room of 10,000'],
    ['saturation', 'cpu_by_role', 'CPU a delivery by group of processes, us, in saturation'],
    ['publish-0', 'cpu_by_role', 'CPU a publish by group of processes, us, nobody listens'],
    ['publish-0', 'pss_by_role', 'Memory of the groups after 16 publishers were served, KiB'],
];

// Peer, group, median, as text.
export function groupsOf(results, work, key) {
    const rows = [];
    for (const peer of Object.keys(NAMES)) {
        const runs = results[work]?.[peer] ?? [];
        const roles = [...new Set(runs.flatMap((run) => Object.keys(pick(run, key) ?? {})))];
        for (const role of roles) {
            const s = spread(results, work, peer, `${key}.${role}`);
            if (s !== null && s.median >= 0.01) rows.push([NAMES[peer], role, digits(s.median)]);
        }
    }
    return rows;
}

// The figures to reach: what, where it is measured, and how far it must be.
const REACH = [
    ['fan-out to 10,000, p50, over Nchan', (r) => ratio(r, 'fanout-10k', 'p50_us', 'earshot', 'nchan'), '<=', 1],
    ['fan-out to 10,000, p99, over Nchan', (r) => ratio(r, 'fanout-10k', 'p99_us', 'earshot', 'nchan'), '<=', 0.75],
    ['fan-out to 1,000, p50, over Nchan', (r) => ratio(r, 'fanout-1k', 'p50_us', 'earshot', 'nchan'), '<=', 1],
    ['fan-out to 1,000, p99, over Nchan', (r) => ratio(r, 'fanout-1k', 'p99_us', 'earshot', 'nchan'), '<=', 0.75],
    ['saturation, deliveries/s over Nchan', (r) => ratio(r, 'saturation', 'deliveries_s', 'earshot', 'nchan'), '>=', 3],
    ['publishes/s over Nchan, nobody listens', (r) => ratio(r, 'publish-0', 'publishes_s', 'earshot', 'nchan'), '>=', 1.5],
    ['publishes/s over Nchan, one listens', (r) => ratio(r, 'publish-1', 'publishes_s', 'earshot', 'nchan'), '>=', 1.5],
    ['publishes/s over the floor, nobody listens', (r) => ratio(r, 'publish-0', 'publishes_s', 'earshot', 'floor'), '>=', 0.8],
    ['publishes/s with all checks on, over the plain, nobody listens', (r) => ratio(r, 'publish-0', 'publishes_s', 'checked', 'earshot'), '>=', 0.85],
    ['CPU a delivery over the floor, 10,000', (r) => ratio(r, 'fanout-10k', 'cpu_us', 'earshot', 'floor'), '<=', 1.15],
    ['memory a connection over Nchan, 10,000 that never got a message', (r) => ratio(r, 'idle', 'n10000.all_kib', 'earshot', 'nchan'), '<=', 1.2],
    ['memory a connection over Nchan, 10,000 after a message each', (r) => ratio(r, 'idle', 'used.all_kib', 'earshot', 'nchan'), '<=', 1.2],
    ["a hub's memory a connection, bytes", (r) => bytes(spread(r, 'idle', 'earshot', 'n10000.by_role.hubs')), '<=', 512],
    ['connecting 5,000, over Nchan', (r) => ratio(r, 'connect', 'ms', 'earshot', 'nchan'), '<=', 2],
    ['p99 with 100 slow readers, over without', (r) => spread(r, 'slow', 'earshot', 'p99_ratio'), '<=', 1.1],
    ['Redis commands for 100 reconnects', (r) => spread(r, 'storm', 'earshot', 'redis_per_100'), '<', 1],
];
const bytes = (s) => s && { median: s.median * 1024, least: s.least * 1024, most: s.most * 1024 };

export function reached(results) {
    return REACH.map(([name, measure, sign, goal]) => {
        const s = measure(results);
        const met = s === null ? 'not measured' : (sign === '>=' ? s.median >= goal : sign === '<' ? s.median < goal : s.median <= goal) ? 'met' : 'not met';
        return [name, cell(s, 1), `${sign} ${goal}`, met];
    });
}

// Columns side by side, the first to the left, the others to the right.
export function columns(rows) {
    const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
    return rows.map((row) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ').trimEnd()).join('\n');
}

export function text({ about, results }) {
    const parts = [Object.entries(about).map(([key, value]) => `${key.padEnd(10)}${value}`).join('\n')];
    for (const work of Object.keys(SHOWN).filter((name) => results[name]))
        parts.push(`${SHOWN[work][0]}\n${columns([headOf(work), ...rowsOf(results, work)])}`);
    for (const [work, key, heading] of GROUPED) {
        const rows = groupsOf(results, work, key);
        if (rows.length > 0) parts.push(`${heading}\n${columns(rows)}`);
    }
    parts.push(`figures to reach: median (least-most) over the rounds\n${columns([['', 'reached', 'to reach', ''], ...reached(results)])}`);
    return `${parts.join('\n\n')}\n`;
}
