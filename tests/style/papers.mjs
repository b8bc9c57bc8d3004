// papers.mjs - what holds for the texts about the code. Each check returns what is wrong, a line each.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import * as tree from './source.mjs';

const MAP = 'src/README';
const STATES_CODE = 'src/hub/connection.c';
const STATES_DRAWING = 'docs/connection.dot';

// The files that the map names: "hub/room.[ch]" is two.
function named() {
    const found = new Set();
    for (const [, stem, end] of tree.read(MAP).matchAll(/([\w-]+(?:\/[\w-]+)*)\.(\[ch\]|c|h|lua|sh)(?![\w\]])/g))
        for (const letter of end === '[ch]' ? ['c', 'h'] : [end]) found.add(`${stem}.${letter}`);
    return found;
}

export function map() {
    if (!tree.exists(MAP)) return [`${MAP} is missing`];
    const ours = tree.files('src', /\.(c|h|lua|sh)$/).map((path) => path.slice('src/'.length));
    const onMap = named();
    return [
        ...ours.filter((file) => !onMap.has(file)).map((file) => `src/${file} is not named on ${MAP}`),
        ...[...onMap].filter((file) => !ours.includes(file)).map((file) => `${MAP} names ${file}, which is not there`),
    ];
}

// A way that is traced by function name leads nowhere when a function was renamed.
export function mapFunctions() {
    if (!tree.exists(MAP)) return [`${MAP} is missing`];
    const lua = tree.files('src', /\.lua$/).map(tree.read);
    const code = [...tree.sources().map(tree.bare), ...lua].join('\n');
    const names = new Set([...tree.read(MAP).matchAll(/\b([a-z]\w+)\(\)/g)].map((m) => m[1]));
    if (names.size === 0) return [`${MAP} traces nothing by function name`];
    return [...names].filter((name) => !new RegExp(`\\b${name}\\(`).test(code)).map((name) => `${MAP} names ${name}(), which no file has`);
}

// Put together here, so that this file holds none of them itself.
const UNFINISHED = ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'TB' + 'D', 'W' + 'IP', 'HA' + 'CK'].map((w) => new RegExp(`\\b${w}\\b`));
UNFINISHED.push(...['st' + 'ub(s|bed)?', 'place' + 'holders?', 'not (yet )?imple' + 'mented', 'unimple' + 'mented'].map((w) => new RegExp(`\\b${w}\\b`, 'i')));

export function words() {
    const wrong = [];
    const texts = [
        ...['src', 'tests', 'man', 'docs', '.ci'].flatMap((dir) => tree.files(dir)),
        ...tree.topFiles().filter((f) => /\.(md|ac|am|conf)$|^quickstart$/.test(f)),
    ].filter((path) => basename(path) !== 'package-lock.json');
    for (const path of texts)
        tree.lines(path).forEach((line, i) => {
            for (const word of UNFINISHED) if (word.test(line)) wrong.push(`${path}:${i + 1}: ${line.trim()}`);
        });
    return wrong;
}

export function manual() {
    const pages = tree.files('man', /\.[1-9]$/);
    if (pages.length === 0) throw new tree.Skip('there is no man page');
    const run = spawnSync('mandoc', ['-Tlint', '-W', 'warning', ...pages], { cwd: tree.root, encoding: 'utf8' });
    if (run.error) return ['mandoc is missing: install the Debian package mandoc'];
    return run.status === 0 ? [] : (run.stdout + run.stderr).split('\n').filter((line) => line !== '');
}

const INTERFACE = 'src/api/openapi.json';
const INTERFACE_PAGE = 'man/earshot-api.7';

// Every call is ".It Cm GET , PUT Pa /path" in the manual page, and every parameter is named there.
export function interfacePage() {
    const { paths, components } = JSON.parse(tree.read(INTERFACE)), page = tree.read(INTERFACE_PAGE);
    const told = new Set(), declared = new Set(), parameters = new Set();
    for (const [, methods, path] of page.matchAll(/^\.It Cm ([A-Z ,]+) Pa (\/\S*)$/gm))
        for (const method of methods.split(' , ')) told.add(`${method} ${path}`);
    for (const [path, { parameters: shared = [], ...calls }] of Object.entries(paths))
        for (const [method, call] of Object.entries(calls)) {
            declared.add(`${method.toUpperCase()} ${path}`);
            for (const one of [...shared, ...(call.parameters ?? [])])
                parameters.add((one.$ref ? components.parameters[one.$ref.split('/').pop()] : one).name);
        }
    const words = new Set(page.split(/[^\w-]+/));
    return [
        ...[...declared].filter((call) => !told.has(call)).map((call) => `${INTERFACE_PAGE} lacks ".It Cm ${call.replace(' ', ' Pa ')}"`),
        ...[...told].filter((call) => !declared.has(call)).map((call) => `${INTERFACE_PAGE} has ${call}, ${INTERFACE} has not`),
        ...[...parameters].filter((name) => !words.has(name)).map((name) => `${INTERFACE_PAGE} lacks the parameter ${name}`),
    ];
}

// The block between braces that opens at or after `from`, without them; '' when there is none.
function block(text, from) {
    const start = text.indexOf('{', from);
    let depth = 0;
    for (let i = start; i >= 0 && i < text.length; i++) {
        if (text[i] === '{') depth++;
        if (text[i] === '}' && --depth === 0) return text.slice(start + 1, i);
    }
    return '';
}

// "CONNECTION_OPEN" is drawn as "open".
const drawn = (state) => state.replace(/^CONNECTION_/, '').toLowerCase();

// The states of the enum, and the transitions of the table of that name: "[FROM] = {[TO] = true, ...}".
function coded() {
    const header = tree.bare(STATES_CODE.replace(/c$/, 'h'));
    const code = tree.bare(STATES_CODE);
    const states = block(header, header.search(/\benum connection_state\s*\{/)).match(/\bCONNECTION_\w+/g) ?? [];
    const edges = new Set();
    const start = code.search(/\btransitions\[[^;{]*=\s*\{/);
    const table = start < 0 ? '' : block(code, start);
    for (const row of table.matchAll(/\[(CONNECTION_\w+)\]\s*=\s*\{/g))
        for (const [, to] of block(table, row.index).matchAll(/\[(CONNECTION_\w+)\]\s*=\s*true\b/g))
            edges.add(`${drawn(row[1])} -> ${drawn(to)}`);
    return { states: new Set(states.map(drawn)), edges };
}

// The nodes and edges of the drawing: "a -> b", "a -> { b c }", one after the other too.
function pictured() {
    const text = tree.read(STATES_DRAWING).replace(/\/\*[\s\S]*?\*\/|\/\/.*|^#.*/gm, '').replace(/\[[^\]]*\]/g, '');
    const edges = new Set();
    for (const [statement] of text.matchAll(/\w+(\s*->\s*(\w+|\{[\w\s;,]*\}))+/g)) {
        const parts = statement.split('->').map((part) => part.match(/\w+/g) ?? []);
        for (let i = 1; i < parts.length; i++)
            for (const from of parts[i - 1]) for (const to of parts[i]) edges.add(`${from} -> ${to}`);
    }
    return { states: new Set([...edges].flatMap((edge) => edge.split(' -> '))), edges };
}

export function states() {
    for (const path of [STATES_CODE, STATES_DRAWING]) if (!tree.exists(path)) return [`${path} is missing`];
    const code = coded();
    const drawing = pictured();
    if (code.states.size === 0) return [`${STATES_CODE}: no enum connection_state was found`];
    if (code.edges.size === 0) return [`${STATES_CODE}: no table of transitions was found`];
    const missing = (a, b, text) => [...a].filter((x) => !b.has(x)).map((x) => `${x} ${text}`);
    return [
        ...missing(code.edges, drawing.edges, 'is in the code and not drawn'),
        ...missing(drawing.edges, code.edges, 'is drawn and not in the code'),
        ...missing(code.states, drawing.states, 'is a state and not drawn'),
        ...missing(drawing.states, code.states, 'is drawn and no state'),
    ];
}
