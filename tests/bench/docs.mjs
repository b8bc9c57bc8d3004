// docs.mjs - puts the figures of a build directory's bench.json into docs/: tables and plots.
// usage: node docs.mjs BUILD      `make bench-docs` does that
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GROUPED, SHOWN, groupsOf, headOf, reached, rowsOf } from './report.mjs';
import { plots } from './plots.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const { about, results } = JSON.parse(readFileSync(join(process.argv[2], 'bench.json'), 'utf8'));

const table = (head, rows) => [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const parts = [
    Object.entries(about).map(([key, value]) => `- ${key}: ${value}`).join('\n'),
    `### Figures to reach\n\nMedian (least-most) of the rounds' ratios.\n\n${table(['figure', 'reached', 'to reach', ''], reached(results))}`,
    ...Object.keys(plots(results)).map((name) => `![${name.replace(/^performance-|\.svg$/g, '')}](${name})`),
];
for (const work of Object.keys(SHOWN).filter((name) => results[name]))
    parts.push(`### ${SHOWN[work][0]}\n\n${table(headOf(work), rowsOf(results, work))}`);
for (const [work, key, heading] of GROUPED) {
    const rows = groupsOf(results, work, key);
    if (rows.length > 0) parts.push(`### ${heading}\n\n${table(['', '', ''], rows)}`);
}

const page = join(root, 'docs/performance.md');
const [open, close] = ['<!-- figures of `make bench`, written by `make bench-docs` -->', '<!-- end of figures -->'];
const text = readFileSync(page, 'utf8');
if (!text.includes(open) || !text.includes(close)) throw new Error(`${page} has no place for the figures`);
writeFileSync(page, `${text.slice(0, text.indexOf(open) + open.length)}\n${parts.join('\n\n')}\n${text.slice(text.indexOf(close))}`);
for (const [name, svg] of Object.entries(plots(results))) writeFileSync(join(root, 'docs', name), svg);
