// matrix.mjs - every web server by every form of receive and all that must hold behind it; prints it as a table.
//
// usage: node matrix.mjs [SERVER]...     WRITE=1 puts the table into docs/hosting.md
// Two servers at a time, as there are cores. EARSHOT_BUILD and EARSHOT_SLOW as for the system tests.

import fs from 'node:fs';
import path from 'node:path';
import { root } from '../system/harness.mjs';
import * as checks from './checks.mjs';
import { FORMS } from './readers.mjs';
import { servers, siteBehind } from './servers.mjs';

// The form checks give a value a form, the others one.
const FORM_CHECKS = ['flush', 'gone', 'resume'];
const COLUMNS = [
  ['post', '8 KiB'], ['errors', 'errors'], ['authorization', 'Authorization'], ['page', 'the page'],
  ['root', 'at /'], ['deep', 'at /a/b/c'], ['down', 'down'],
];

/** All checks of one server: { check: { value } or { error } }. A check that fails does not stop the next. */
async function examine(name) {
  const server = servers[name], found = {};
  const e = await siteBehind(name, { conf: { heartbeat: `${checks.HEARTBEAT_MS}ms`, retry: '1s', access_log: 'on', direct_streams_max: 40 } });
  const check = async (column, run) => {
    if (process.env.VERBOSE) console.error(new Date().toISOString().slice(14), name, column);
    try { found[column] = { value: await run() }; } catch (error) { found[column] = { error }; }
  };
  try {
    for (const column of [...FORM_CHECKS, 'post', 'errors', 'authorization', 'page']) await check(column, () => checks[column](e, server));
    await check('down', () => checks.down(e, server));
    await check('root', () => checks.mount(e, name, '/'));
    await check('deep', () => checks.mount(e, name, '/a/b/c'));
  } finally {
    await check('stop', () => e.stop());
  }
  return found;
}

async function examineAll(names) {
  const results = {}, left = [...names];
  const worker = async () => {
    for (let name = left.shift(); name; name = left.shift()) results[name] = await examine(name).catch((error) => ({ start: { error } }));
  };
  await Promise.all([worker(), worker()]);
  return results;
}

const row = (cells) => `| ${cells.join(' | ')} |`;
const head = (cells) => [row(cells), row(cells.map(() => '---'))];

/** The two tables: what there is a form, and the rest. */
function tables(results) {
  const cell = (found) => (found === undefined ? '-' : found.error ? 'FAILS' : found.value);
  const names = Object.keys(results);
  const formCell = (found, form) => FORM_CHECKS.map((c) => (found[c]?.error ? 'FAILS' : found[c]?.value[form] ?? '-')).join(', ');
  return [
    ...head(['', ...FORMS]), ...names.map((name) => row([name, ...FORMS.map((form) => formCell(results[name], form))])), '',
    ...head(['', ...COLUMNS.map(([, title]) => title)]), ...names.map((name) => row([name, ...COLUMNS.map(([column]) => cell(results[name][column]))])),
  ].join('\n');
}

function write(text) {
  const file = path.join(root, 'docs/hosting.md');
  const old = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, old.replace(/(<!-- matrix -->\n)[\s\S]*(\n<!-- end of matrix -->)/, (_, before, after) => `${before}${text}${after}`));
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !servers[name]);
if (unknown.length > 0) throw new Error(`no such server: ${unknown}; there are: ${Object.keys(servers).join(' ')}`);
const results = await examineAll(wanted.length > 0 ? wanted : Object.keys(servers));
const ordered = Object.fromEntries(Object.keys(servers).filter((name) => results[name]).map((name) => [name, results[name]]));
const text = tables(ordered);
console.log(`Each form: an event's way from its send's answer (median), until a reader's leaving is noticed, what came after a cut.\n\n${text}\n`);
const failed = Object.entries(ordered).flatMap(([name, found]) => Object.entries(found).filter(([, { error }]) => error).map(([check, { error }]) => `${name}: ${check}: ${error.message}`));
for (const line of failed) console.log(`FAILED ${line}`);
console.log(`${Object.keys(ordered).length} web servers, ${failed.length} failed`);
if (failed.length === 0 && process.env.WRITE) write(text);
process.exitCode = failed.length === 0 ? 0 : 1;
