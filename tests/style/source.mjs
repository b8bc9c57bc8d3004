// source.mjs - the tree as the style tests read it.
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = process.env.TREE ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..');

// Thrown by a check that cannot be made here, with the reason.
export class Skip extends Error {}

const NOT_OURS = new Set(['node_modules', '.git', 'build', 'autom4te.cache', 'build-aux']);

// All files under a directory of the tree, as paths from its root, sorted.
export function files(dir, matches = /./) {
    const found = [];
    const walk = (path) => {
        for (const entry of readdirSync(path, { withFileTypes: true })) {
            if (entry.isDirectory() && !NOT_OURS.has(entry.name)) walk(join(path, entry.name));
            else if (entry.isFile() && matches.test(entry.name)) found.push(relative(root, join(path, entry.name)));
        }
    };
    if (existsSync(join(root, dir))) walk(join(root, dir));
    return found.sort();
}

// The files that lie in the root of the tree itself.
export const topFiles = () =>
    readdirSync(root, { withFileTypes: true }).filter((e) => e.isFile()).map((e) => e.name).sort();

export const exists = (path) => existsSync(join(root, path));
export const read = (path) => readFileSync(join(root, path), 'utf8');
export const sources = () => files('src', /\.[ch]$/);
export const headers = () => files('src', /\.h$/);

// A file's lines; the line end at the end of the file begins no further line.
export const lines = (path) => read(path).replace(/\n$/, '').split('\n');

// The project's own headers that a file of src/ includes, as paths from src/.
export const includes = (path) => [...read(path).matchAll(/^[ \t]*#[ \t]*include[ \t]+"([^"]+)"/gm)].map((m) => m[1]);

// The folder that a path from src/ lies in; '' for what lies in src/ itself.
export const folder = (path) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '');

// A C file without comments and without what stands in strings.
export const bare = (path) =>
    read(path)
        .replace(/\/\*[\s\S]*?\*\//g, ' ')
        .replace(/"(\\.|[^"\\\n])*"/g, '""');
