// style.mjs - runs the style tests: all, or those that are named.
import * as code from './code.mjs';
import * as papers from './papers.mjs';
import { Skip } from './source.mjs';

const SHOWN = 40; // of what is wrong, a check

function main(wanted) {
    // A new check costs one line here.
    const checks = [
        ['map', 'does src/README name every file of src/, and nothing that is gone?', papers.map],
        ['map-functions', 'is every function that src/README names there?', papers.mapFunctions],
        ['layers', 'do includes point down only?', code.layers],
        ['cycles', 'does no folder need itself through others?', code.cycles],
        ['basenames', 'has every file of src/ a name of its own?', code.basenames],
        ['openings', 'does every header open with what it is, where it runs and whether it blocks?', code.openings],
        ['blocking', 'does nothing in hub/ include what blocks?', code.blocking],
        ['file-lengths', 'has no file more than 600 lines?', code.fileLengths],
        ['function-lengths', 'has no function more than 60 lines?', code.functionLengths],
        ['exports', 'does foo.c export only foo_*?', code.exportsNamed],
        ['states', 'does docs/connection.dot draw the transitions of the code?', papers.states],
        ['words', 'is nothing marked as unfinished?', papers.words],
        ['manual', 'do the man pages pass mandoc?', papers.manual],
        ['interface-page', 'has earshot-api(7) every call and parameter of openapi.json, and no other?', papers.interfacePage],
        ['format', 'is the C code laid out by clang-format?', code.format],
    ];
    const unknown = wanted.filter((name) => !checks.some(([n]) => n === name));
    if (unknown.length > 0) {
        console.error(`no such check: ${unknown.join(', ')}; there are: ${checks.map(([n]) => n).join(' ')}`);
        return 64;
    }
    const count = { passed: 0, failed: 0 };
    for (const [name, question, check] of checks)
        if (wanted.length === 0 || wanted.includes(name)) run(name, question, check, count);
    console.log(`${count.passed} passed, ${count.failed} failed`);
    return count.failed === 0 ? 0 : 1;
}

function run(name, question, check, count) {
    let wrong;
    try {
        wrong = check();
    } catch (error) {
        if (error instanceof Skip) {
            console.log(`skip  ${name}: ${error.message}`);
            return;
        }
        wrong = [String(error.stack)];
    }
    console.log(`${wrong.length === 0 ? 'ok  ' : 'FAIL'}  ${name}: ${question}`);
    for (const line of wrong.slice(0, SHOWN)) console.log(`        ${line}`);
    if (wrong.length > SHOWN) console.log(`        and ${wrong.length - SHOWN} more`);
    count[wrong.length === 0 ? 'passed' : 'failed']++;
}

process.exitCode = main(process.argv.slice(2));
