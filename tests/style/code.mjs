// code.mjs - what holds for the C code. Each check returns what is wrong, a line each.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as tree from './source.mjs';

// What a folder may include besides itself. Down only: main > the roles > api > auth, http, event >
// store > base. The hub stays away from all that is about requests.
const ROLES = ['supervisor', 'gate', 'hub', 'courier', 'direct'];
const MIDDLE = ['auth', 'http', 'event'];
const MAY_INCLUDE = {
    base: [],
    store: ['base'],
    event: [...MIDDLE, 'store', 'base'],
    auth: [...MIDDLE, 'store', 'base'],
    http: [...MIDDLE, 'store', 'base'],
    api: [...MIDDLE, 'store', 'base'],
    supervisor: [...ROLES, 'api', ...MIDDLE, 'store', 'base'],
    gate: ['supervisor', 'api', ...MIDDLE, 'store', 'base'],
    hub: ['supervisor', 'event', 'store', 'base'],
    courier: ['supervisor', 'event', 'store', 'base'],
    direct: ['supervisor', 'gate', 'hub', 'api', ...MIDDLE, 'store', 'base'],
    cli: [...MIDDLE, 'store', 'base'],
};
const FOR_ANYONE = ['conf.h', 'heritage.h'];
const FILE_LINES = 600;
const FUNCTION_LINES = 60;

// Upward, yet meant: each line says why. A line that nothing needs any more is an error.
const EXCEPTIONS = {
    'store event/overlay.h': 'and the events as they are now; event/overlay.h itself needs only base',
    'store event/event.h': 'a journal gives out events and their ids; event/event.h itself needs only base',
};

export function layers() {
    const wrong = [];
    const used = new Set();
    for (const path of tree.sources()) {
        const file = path.slice('src/'.length);
        const from = tree.folder(file);
        if (from !== '' && MAY_INCLUDE[from] === undefined) wrong.push(`${path}: the folder has no layer`);
        for (const to of tree.includes(path)) {
            if (!tree.exists(`src/${to}`)) {
                if (/\.h$/.test(to)) wrong.push(`${path}: includes "${to}", which is not there`);
                continue;
            }
            const exception = `${from} ${to}`;
            if (from === '' || from === tree.folder(to) || FOR_ANYONE.includes(to)) continue;
            if (EXCEPTIONS[exception] !== undefined) used.add(exception);
            else if (!MAY_INCLUDE[from]?.includes(tree.folder(to))) wrong.push(`${path}: includes "${to}"`);
        }
    }
    for (const exception of Object.keys(EXCEPTIONS))
        if (!used.has(exception)) wrong.push(`tests/style/code.mjs: nothing needs the exception "${exception}"`);
    return wrong;
}

// No folder reaches itself through others, so that each can be read after those below it.
export function cycles() {
    const edges = {};
    for (const path of tree.sources()) {
        const from = tree.folder(path.slice('src/'.length));
        for (const to of tree.includes(path).filter((h) => tree.folder(h) !== from && tree.folder(h) !== ''))
            if (from !== '' && EXCEPTIONS[`${from} ${to}`] === undefined)
                (edges[from] ??= {})[tree.folder(to)] ??= `${path} includes "${to}"`;
    }
    const wrong = [];
    const walk = (start, at, way) => {
        for (const [to, why] of Object.entries(edges[at] ?? {})) {
            if (to === start) wrong.push([...way, why].join(', '));
            // Only from the first of a cycle's names, so that each is told once.
            else if (to > start && !way.some((w) => w.startsWith(`src/${to}/`))) walk(start, to, [...way, why]);
        }
    };
    for (const start of Object.keys(edges)) walk(start, start, []);
    return wrong;
}

export function basenames() {
    const seen = {};
    for (const path of tree.sources()) (seen[basename(path)] ??= []).push(path);
    return Object.values(seen).filter((paths) => paths.length > 1).map((paths) => paths.join(' and '));
}

// The comment that a header opens with, or ''.
const opening = (path) => /^\/\*[\s\S]*?\*\//.exec(tree.read(path))?.[0] ?? '';

export function openings() {
    const wrong = [];
    for (const path of tree.headers()) {
        const block = opening(path);
        if (!block.startsWith(`/* ${basename(path)} - `)) wrong.push(`${path}: opens with no "/* ${basename(path)} - what it is."`);
        if (!/\bRuns in: \S/.test(block)) wrong.push(`${path}: its opening does not say "Runs in:"`);
        if (!/\bBlocks: \S/.test(block)) wrong.push(`${path}: its opening does not say "Blocks:"`);
        if (block.split('\n').length > 10) wrong.push(`${path}: its opening has more than 10 lines`);
    }
    return wrong;
}

// "as the store does" is a yes that leaves the number to another header.
const blocks = (header) => /\bBlocks: (yes|as the store)\b/.test(opening(`src/${header}`));

// Directly or through other headers.
export function blocking() {
    const wrong = [];
    const walk = (path, way, seen) => {
        for (const header of tree.includes(path)) {
            if (seen.has(header) || !tree.exists(`src/${header}`)) continue;
            seen.add(header);
            if (blocks(header)) wrong.push(`${[...way, header].join(' > ')}: a hub must not block`);
            walk(`src/${header}`, [...way, header], seen);
        }
    };
    const ours = tree.files('src/hub', /\.[ch]$/);
    for (const path of ours) walk(path, [path], new Set());
    for (const path of ours.filter((p) => p.endsWith('.h')))
        if (blocks(path.slice('src/'.length))) wrong.push(`${path}: says itself that it blocks`);
    return wrong;
}

const cFiles = () => [...tree.sources(), ...tree.files('tests', /\.[ch]$/)];

export function fileLengths() {
    return [...cFiles(), ...tree.files('tests', /\.(mjs|sh)$/)]
        .map((path) => [path, tree.lines(path).length])
        .filter(([, count]) => count > FILE_LINES)
        .map(([path, count]) => `${path}: ${count} lines`);
}

// A function's body stands between braces in the first column: clang-format sees to it.
export function functionLengths() {
    const wrong = [];
    for (const path of cFiles()) {
        const lines = tree.lines(path);
        let start = -1;
        lines.forEach((line, i) => {
            if (line === '{') start = i;
            if (line === '}' && start >= 0) {
                let name = start - 1;
                while (name > 0 && !/^[A-Za-z_].*\(/.test(lines[name])) name--;
                const count = i - name + 1;
                if (count > FUNCTION_LINES) wrong.push(`${path}:${name + 1}: ${count} lines: ${lines[name]}`);
                start = -1;
            }
        });
    }
    return wrong;
}

// keys.c may say key_live as well as keys_live.
function mayExport(file, symbol) {
    const stem = basename(file, '.c').replace(/-/g, '_');
    return symbol === 'main' ? stem === 'main' || file.startsWith('src/cli/') : [stem, stem.replace(/s$/, '')].some((s) => symbol === s || symbol.startsWith(`${s}_`));
}

// The object of a source; automake puts the program's name in front when it has flags of its own.
function objectOf(build, file) {
    const dir = join(build, file, '..');
    const stem = basename(file, '.c');
    return [stem, `earshot-${stem}`, `earshotd-${stem}`].map((s) => join(dir, `${s}.o`)).find(existsSync);
}

export function exportsNamed() {
    const build = process.env.BUILD;
    if (!build) throw new tree.Skip('BUILD names no build directory');
    const wrong = [];
    for (const file of tree.files('src', /\.c$/)) {
        const object = objectOf(build, file);
        if (object === undefined) {
            wrong.push(`${file}: no object in ${build}`);
            continue;
        }
        const nm = spawnSync('nm', ['-g', '-P', '--defined-only', object], { encoding: 'utf8' });
        if (nm.status !== 0) wrong.push(`${object}: nm says: ${nm.stderr ?? nm.error}`);
        const symbols = (nm.stdout ?? '').split('\n').map((line) => line.split(' ')[0]);
        for (const symbol of symbols.filter((s) => s !== '' && !s.startsWith('_') && !mayExport(file, s)))
            wrong.push(`${file}: exports ${symbol}`);
    }
    return wrong;
}

export function format() {
    const version = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
    if (version.status !== 0) return ['clang-format is missing: install the Debian package clang-format'];
    const major = /version (\d+)/.exec(version.stdout)?.[1];
    if (major !== '14') throw new tree.Skip(`the layout is that of clang-format 14; this is ${major}`);
    const run = spawnSync('clang-format', ['--dry-run', '-Werror', '--style=file', ...cFiles()], {
        cwd: tree.root,
        encoding: 'utf8',
        maxBuffer: 1 << 28,
    });
    const counts = {};
    for (const [, path] of run.stderr.matchAll(/^([^\s:]+):\d+:\d+: error:/gm)) counts[path] = (counts[path] ?? 0) + 1;
    const wrong = Object.entries(counts).map(([path, count]) => `${path}: ${count} places; clang-format -i mends them`);
    return run.status !== 0 && wrong.length === 0 ? run.stderr.split('\n') : wrong;
}
