// plots.mjs - bars by hand as SVG, readable on white and on black: a middle colour for each peer, and
// text in the colour that the reader's scheme asks for.
import { NAMES, digits, spread } from './report.mjs';

const COLOURS = { earshot: '#2a8f5b', nchan: '#4477cc', socketio: '#b8860b', php: '#b04a8f', floor: '#888888' };
const BAR = 16, GAP = 26, LEFT = 130, WIDTH = 680, RIGHT = 90;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

// groups: [title, work, key, divisor]; a logarithmic axis where the values differ by more than 100.
function bars(results, title, groups) {
    const parts = [];
    let y = 34;
    for (const [name, work, key, divisor] of groups) {
        const values = Object.keys(NAMES).map((peer) => [peer, spread(results, work, peer, key)]).filter(([, s]) => s !== null);
        if (values.length === 0) continue;
        const most = Math.max(...values.map(([, s]) => s.most / divisor)), least = Math.min(...values.map(([, s]) => s.median / divisor));
        const logs = most / least > 100;
        const at = (n) => (logs ? Math.log(n / least * 3) / Math.log(most / least * 3) : n / most) * (WIDTH - LEFT - RIGHT);
        parts.push(`<text class="t" x="0" y="${y}">${escape(name)}${logs ? ' (logarithmic)' : ''}</text>`);
        y += 10;
        for (const [peer, s] of values) {
            const [median, low, high] = [s.median, s.least, s.most].map((n) => Math.max(1, at(n / divisor)));
            const middle = y + BAR / 2;
            parts.push(`<text class="n" x="${LEFT - 6}" y="${y + 12}">${escape(NAMES[peer])}</text>`,
                `<rect x="${LEFT}" y="${y}" width="${median.toFixed(1)}" height="${BAR}" fill="${COLOURS[peer]}"/>`,
                `<path class="s" d="M${(LEFT + low).toFixed(1)} ${middle}H${(LEFT + high).toFixed(1)}"/>`,
                `<text class="v" x="${(LEFT + Math.max(median, high) + 6).toFixed(1)}" y="${y + 12}">${digits(s.median / divisor)}</text>`);
            y += BAR + 3;
        }
        y += GAP;
    }
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" role="img" aria-label="${escape(title)}">
<style>text{fill:#24292f;font-size:12px}.h,.t{font-weight:bold}.h{font-size:15px}.n{text-anchor:end}.s{stroke:#24292f;stroke-width:1.5}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{stroke:#e6edf3}}</style>
<text class="h" x="0" y="14">${escape(title)}</text>
${parts.join('\n')}
</svg>
`;
}

// file name -> SVG
export function plots(results) {
    return {
        'performance-latency.svg': bars(results, 'From publish to receipt, ms; bar: median of the rounds, line: least to most', [
            ['1 room of 10,000, 2 messages/s: p50', 'fanout-10k', 'p50_us', 1000],
            ['the same: p99', 'fanout-10k', 'p99_us', 1000],
            ['1 room of 1,000, 20 messages/s: p50', 'fanout-1k', 'p50_us', 1000],
            ['at rest: p50', 'rest', 'p50_us', 1000]]),
        'performance-throughput.svg': bars(results, 'Throughput', [
            ['deliveries/s, 1 room of 1,000, as fast as accepted', 'saturation', 'deliveries_s', 1],
            ['publishes/s, 16 publishers, nobody listens', 'publish-0', 'publishes_s', 1],
            ['publishes/s, 16 publishers, one listens', 'publish-1', 'publishes_s', 1]]),
        'performance-cost.svg': bars(results, 'What a connection and a delivery cost, all processes', [
            ['memory of an idle connection with the kernel\'s part, KiB, at 1,000', 'idle', 'n1000.all_kib', 1],
            ['the same at 10,000, after a message each', 'idle', 'used.all_kib', 1],
            ['CPU a delivery, us, 1 room of 10,000', 'fanout-10k', 'cpu_us', 1],
            ['CPU a delivery, us, in saturation', 'saturation', 'cpu_us', 1]]),
    };
}
