// run.mjs - the bench: every work, round by round, one peer after the other in an order that turns.
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { controlGroup } from './weigh.mjs';
import { Load, PEERS, Stack, sleep } from './servers.mjs';
import { WORKS, most } from './work.mjs';

const list = (text, all, what) => {
    if (!text) return all;
    const chosen = text.split(',');
    for (const name of chosen) if (!all.includes(name)) throw new Error(`no ${what} ${name}; there are: ${all.join(' ')}`);
    return all.filter((name) => chosen.includes(name));
};

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = resolve(process.env.BUILD ?? '.');
const rounds = Number(process.env.ROUNDS ?? 3);
const peers = list(process.env.ONLY, PEERS, 'peer');
const works = list(process.env.WORK, Object.keys(WORKS), 'work');
const settings = { root, build, group: controlGroup() };

let current = null;
async function stopAll() {
    await current?.stop();
    settings.group?.remove();
}
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

const results = {};
try {
    for (const work of works) {
        results[work] = {};
        for (let round = 0; round < rounds; round++)
            for (let i = 0; i < peers.length; i++) {
                const peer = peers[(i + round) % peers.length];
                if (WORKS[work].n > most({ peer }) || WORKS[work].only?.includes(peer) === false) continue;
                const result = await measure(peer, work);
                (results[work][peer] ??= []).push(result);
                process.stderr.write(`bench: ${work} round ${round + 1} ${peer}: ${JSON.stringify(result)}\n`);
            }
    }
} finally {
    await stopAll();
}
writeFileSync(join(build, 'bench.json'), JSON.stringify({ results }, null, 1));
