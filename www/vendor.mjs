// vendor.mjs - puts the libraries that the page uses into vendor/, out of node_modules/ (`npm ci` first): what a browser
// takes as it is, nothing bundled. `make` runs it; `make dist` and `make install` ship what it made.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const from = (...file) => path.join(here, 'node_modules', ...file);
const to = (file) => path.join(here, 'vendor', file);

/** Copies a module without the line that names a source map, which is not shipped. */
function copy(source, target) {
  fs.mkdirSync(path.dirname(to(target)), { recursive: true });
  fs.writeFileSync(to(target), fs.readFileSync(source, 'utf8').replace(/^\/\/# sourceMappingURL=.*$/m, ''));
}

fs.rmSync(path.join(here, 'vendor'), { recursive: true, force: true });
copy(from('marked', 'lib', 'marked.esm.js'), 'marked.js');
for (const file of ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js']) copy(from('lit-html', file), `lit-html/${file}`);
for (const name of ['marked', 'lit-html', 'unicode-emoji-json']) {
  const license = fs.readdirSync(from(name)).find((file) => /^licen[cs]e/i.test(file));
  copy(from(name, license), `LICENSE.${name}`);
}

// The picker needs of each emoji what it looks like and what it is called, by groups: a tenth of the data.
const emoji = Object.entries(JSON.parse(fs.readFileSync(from('unicode-emoji-json', 'data-by-emoji.json'), 'utf8')));
const groups = [...new Set(emoji.map(([, { group }]) => group))];
fs.writeFileSync(to('emoji.json'), JSON.stringify(groups.map((group) => (
  [group, emoji.filter(([, about]) => about.group === group).map(([text, about]) => [text, about.name])]))));
