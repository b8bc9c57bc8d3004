// run.mjs - the bench: every work, round by round, one peer after the other in an order that turns.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { controlGroup } from './weigh.mjs';
import { Load, PEERS, Stack } from './servers.mjs';
import { measures, most, QUICK, WORKS } from './work.mjs';
import { text } from './report.mjs';

const list = (chosen, all, what) => {
    for (const name of chosen) if (!all.includes(name)) throw new Error(`no ${what} ${name}; there are: ${all.join(' ')}`);
    return all.filter((name) => chosen.includes(name));
};

const { env } = process;
const quick = Boolean(env.QUICK);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = resolve(env.BUILD || '.');
const rounds = Number(env.ROUNDS || (quick ? 1 : 3));
const peers = list(env.ONLY?.split(',') ?? (quick ? QUICK.peers : PEERS), PEERS, 'peer');
const works = list(env.WORK?.split(',') ?? (quick ? QUICK.works : Object.keys(WORKS)), Object.keys(WORKS), 'work');
const settings = { root, build, quick, group: controlGroup() };

const say = (line) => process.stderr.write(`bench: ${line}\n`);

const version = (program, ...argv) => {
    const { stdout, stderr } = spawnSync(program, argv, { encoding: 'utf8' });
    return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? 'absent';
};
const packageVersion = (name) => spawnSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' }).stdout || 'absent';
const npmVersion = (name) => {
    try {
        return JSON.parse(readFileSync(join(build, 'tests/bench/peers/node_modules', name, 'package.json'))).version;
    } catch {
        return 'absent';
    }
};

function about() {
    const system = /PRETTY_NAME="(.*)"/.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
    const commit = spawnSync('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim();
    return {
        date: new Date().toISOString().slice(0, 16).replace('T', ' '),
        machine: `${cpus().length} cores (${cpus()[0].model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${system}, Linux ${release()}`,
        versions: `earshot ${version(join(build, 'earshotd'), '--version')} ${commit}, nginx ${version('nginx', '-v')}, redis ${version('redis-server', '--version')}, ` +
            `Nchan ${packageVersion('libnginx-mod-nchan')}, Socket.IO ${npmVersion('socket.io')} with ws ${npmVersion('ws')} and redis-adapter ${npmVersion('@socket.io/redis-adapter')}, ` +
            `node ${process.versions.node}, PHP ${version('php-fpm' + (/\d\.\d/.exec(packageVersion('php-fpm'))?.[0] ?? ''), '-v')}`,
        rounds: `${rounds}, load average before ${loadavg()[0].toFixed(1)}`,
    };
}

let current = null;
async function stopAll() {
    await current?.stop();
    settings.group?.remove();
}
process.once('uncaughtException', (error) => {
    say(error.stack);
    stopAll().then(() => process.exit(1));
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stopAll().then(() => process.exit(1)));

async function measure(peer, work) {
    current = new Stack(peer, settings, WORKS[work].n);
    try {
        await current.start();
        return await WORKS[work].run(current, new Load(current));
    } finally {
        await current.stop();
        current = null;
    }
}

const failed = [];
const bench = { about: about(), results: {} };
if (settings.group === null) say('no control group of our own can be made: kernel memory is not measured');
const began = Date.now();
try {
    for (const work of works) {
        bench.results[work] = {};
        const some = peers.filter((peer) => WORKS[work].n <= most({ peer }) && measures(work, peer));
        for (let round = 0; round < rounds; round++)
            for (let i = 0; i < some.length; i++) {
                const peer = some[(i + round) % some.length];
                const result = await measure(peer, work).catch((error) => ({ error: error.message }));
                (bench.results[work][peer] ??= [])[round] = result;
                if (result.error) failed.push(`${work} round ${round + 1}: ${result.error}`);
                say(`${work} round ${round + 1} ${peer}: ${env.VERBOSE || result.error ? JSON.stringify(result) : 'done'}`);
            }
    }
} finally {
    await stopAll();
}
bench.about.rounds += `, after ${loadavg()[0].toFixed(1)}; ${Math.round((Date.now() - began) / 1000)} s`;
writeFileSync(join(build, 'bench.json'), `${JSON.stringify(bench, null, 1)}\n`);
writeFileSync(join(build, 'bench.txt'), text(bench));
process.stdout.write(text(bench));
for (const line of failed) say(`failed: ${line}`);
process.exitCode = failed.length > 0 ? 1 : 0;
