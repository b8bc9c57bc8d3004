// servers.mjs - starts and stops the peers, each with a Redis of its own, in a directory in /tmp.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { memory } from './weigh.mjs';

const WORKERS = 2;
// Raised where we may; a worker of nginx has two descriptors for each of its streams.
const RAISE = 'ulimit -n 65000 2>/dev/null || ulimit -n "$(ulimit -Hn)"';

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const freePort = () => new Promise((resolve) => {
    // Below the range from which the kernel takes the ports of clients.
    const port = 10000 + Math.floor(Math.random() * 20000);
    const server = createServer();
    server.once('error', () => resolve(freePort()));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
});

const answers = (address) => new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => { socket.destroy(); resolve(true); });
    socket.once('error', () => resolve(false));
});

// What is left of a program's process group, when its first process had to be killed.
async function endGroup(pid) {
    for (let i = 0; i < 100; i++) {
        try {
            process.kill(-pid, 'SIGKILL');
        } catch {
            return;
        }
        await sleep(50);
    }
}

export class Stack {
    constructor(peer, settings, listeners) {
        this.peer = peer;
        this.listeners = listeners; // how many will come
        this.settings = settings; // root, build, group, nginxEdit
        this.dir = mkdtempSync('/tmp/earshot-bench.');
        this.children = [];
        this.ports = [];
        this.dialect = peer === 'floor' || peer === 'checked' ? 'earshot' : peer;
    }

    // Starts a program in the group of the servers, with enough descriptors.
    run(name, argv, options = {}) {
        const group = this.settings.group && !options.outside ? `echo $$ >'${this.settings.group.path}/cgroup.procs' && ` : '';
        const log = openSync(join(this.dir, `${name}.log`), 'w');
        const child = spawn('/bin/sh', ['-c', `${group}{ ${RAISE}; } && exec "$@"`, 'sh', ...argv], {
            cwd: this.dir,
            detached: true, // a group of its own, so that stop() reaches all that it starts
            stdio: options.outside ? 'pipe' : ['ignore', log, log],
            env: { ...process.env, ...options.env },
        });
        closeSync(log);
        const entry = { name, child, outside: options.outside === true, ended: false };
        child.once('exit', () => { entry.ended = true; });
        this.children.push(entry);
        return entry;
    }

    async await(entry, ready) {
        for (let i = 0; i < 400; i++) {
            if (await ready()) return;
            if (entry.ended) break;
            await sleep(50);
        }
        throw new Error(`${this.peer}: ${entry.name} does not answer:\n${readFileSync(join(this.dir, `${entry.name}.log`), 'utf8').slice(-2000)}`);
    }

    // The processes that serve, by their first ones.
    pids() {
        return this.children.filter((c) => !c.outside && !c.ended).map((c) => c.child.pid);
    }

    // The last that was started ends first, so that nobody is left without what it needs.
    async stop() {
        for (const { child } of [...this.children].reverse()) {
            if (child.exitCode === null && child.signalCode === null) {
                const ended = new Promise((resolve) => child.once('exit', resolve));
                child.kill('SIGTERM');
                const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
                await ended;
                clearTimeout(timer);
            }
            await endGroup(child.pid);
        }
        if (process.env.BENCH_KEEP) return;
        rmSync(this.dir, { recursive: true, force: true });
    }

    async startRedis(tcp) {
        this.redisPort = tcp ? await freePort() : 0;
        const argv = ['redis-server', '--port', String(this.redisPort), '--bind', '127.0.0.1', '--dir', this.dir,
            '--unixsocket', join(this.dir, 'redis.sock'), '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
        await this.await(this.run('redis', argv), () => answers(join(this.dir, 'redis.sock')));
    }

    redis(...words) {
        return spawnSync('redis-cli', ['-s', join(this.dir, 'redis.sock'), ...words], { encoding: 'utf8' }).stdout;
    }

    // Every command that Redis has executed, those of scripts too, but our own question.
    redisCommands() {
        let sum = 0;
        for (const [, calls] of this.redis('info', 'commandstats').matchAll(/^cmdstat_(?!info:)[^:]+:calls=(\d+)/gm)) sum += Number(calls);
        return sum;
    }

    // nginx with `http` in its http block; the same for all that stand behind it.
    async startNginx(http, main = '') {
        const temp = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((name) => `    ${name}_temp_path tmp-${name};`);
        writeFileSync(join(this.dir, 'site.conf'), http);
        writeFileSync(join(this.dir, 'nginx.conf'), `${main}
${process.getuid() === 0 ? 'user root;' : ''}
worker_processes ${WORKERS};
pid nginx.pid;
error_log stderr error;
daemon off;
events { worker_connections 32768; }
http {
    access_log off;
${temp.join('\n')}
    include site.conf;
}
`);
        const port = this.ports[0];
        await this.await(this.run('nginx', ['nginx', '-p', `${this.dir}/`, '-c', join(this.dir, 'nginx.conf'), '-e', 'stderr']),
            () => answers({ port, host: '127.0.0.1' }));
    }

    // The project's own example, its three marked lines changed, as quickstart does it. All nginx here
    // listen with reuseport: else the workers' shares of the connections are left to chance, which
    // makes runs differ, and one of them may run out of descriptors.
    exampleConf() {
        const text = readFileSync(join(this.settings.root, 'nginx-example.conf'), 'utf8')
            .replaceAll('unix:/run/earshot/earshot.sock;', `unix:${this.dir}/earshot.sock;`)
            .replace('    listen 80;', `    listen 127.0.0.1:${this.ports[0]} reuseport;`)
            .replace('server_name chat.example.org;', 'server_name localhost;');
        if (!text.includes(`unix:${this.dir}/earshot.sock;`) || !text.includes(`listen 127.0.0.1:${this.ports[0]} reuseport;`))
            throw new Error('nginx-example.conf no longer has the lines that the bench changes');
        return this.settings.nginxEdit ? this.settings.nginxEdit(text) : text;
    }

    async start() {
        this.ports = [await freePort()];
        await STARTERS[this.peer](this);
    }
}

// The plain send: nobody signed in, nothing counted.
const PLAIN = 'anonymous = *=rw\nrate_send = off\nrate_guest = off\n';

async function startEarshot(stack, more = PLAIN) {
    const { build } = stack.settings;
    stack.secret = randomBytes(32).toString('hex');
    const socket = join(stack.dir, 'earshot.sock');
    await stack.startRedis(false);
    writeFileSync(join(stack.dir, 'earshot.conf'),
        `jwt_secret = ${stack.secret}\n${more}drain = 1s\nlog_level = warn\n${process.getuid() === 0 ? 'user = root\n' : ''}`);
    const daemon = stack.run('earshotd', [join(build, 'earshotd'), '--config', join(stack.dir, 'earshot.conf'), '--foreground',
        '--listen', `unix:${socket}`, '--redis', `unix://${stack.dir}/redis.sock`]);
    await stack.await(daemon, () => answers(socket));
    await stack.startNginx(stack.exampleConf());
    await ready(stack, '/chat/v1/readyz');
}

// The same earshot with all that it checks: a token that may be revoked, limits, and a room with an owner and somebody
// who is banned. The publishers send a token.
async function startChecked(stack) {
    await startEarshot(stack, 'rate_send = 1000000/1s\n');
    const part = (claims) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    const now = Math.floor(Date.now() / 1000);
    const text = `${part({ typ: 'JWT', alg: 'HS256' })}.${part({ sub: 'bench', name: 'Bench', jti: 'bench-1', iat: now, exp: now + 86400 })}`;
    stack.authorization = `Bearer ${text}.${createHmac('sha256', stack.secret).update(text).digest('base64url')}`;
    for (const path of ['rooms/r0', 'rooms/r0/bans/mallory']) {
        const reply = await fetch(`http://127.0.0.1:${stack.ports[0]}/chat/v1/${path}`, { method: 'PUT', headers: { authorization: stack.authorization } });
        if (!reply.ok) throw new Error(`checked: ${path}: ${reply.status}`);
    }
}

async function startFloor(stack) {
    const socket = join(stack.dir, 'earshot.sock');
    await stack.await(stack.run('floor', [join(stack.settings.build, 'tests/bench/floor'), socket]), () => answers(socket));
    await stack.startNginx(stack.exampleConf());
}

const peerFile = (stack, name) => readFileSync(join(stack.settings.root, 'tests/bench/peers', name), 'utf8')
    .replaceAll('@PORT@', String(stack.ports[0])).replaceAll('@REDIS_PORT@', String(stack.redisPort)).replaceAll('@DIR@', stack.dir).replaceAll('@ROOT@', stack.settings.root)
    .replaceAll('@LISTENERS@', String(Math.max(2, stack.listeners)));

async function startNchan(stack) {
    await stack.startRedis(true);
    const module = ['/usr/lib/nginx/modules', '/usr/share/nginx/modules', '/usr/lib64/nginx/modules']
        .map((dir) => `${dir}/ngx_nchan_module.so`).find(existsSync);
    if (module === undefined) throw new Error('nchan: no ngx_nchan_module.so');
    await stack.startNginx(peerFile(stack, 'nchan.conf'), `load_module ${module};`);
    // A channel that is opened before a worker has reached Redis stays deaf.
    await ready(stack, '/pub/ready', { method: 'POST', body: 'ready' });
    await sleep(500);
}

// Two, one a core, as `cluster` would run them.
async function startSocketIo(stack) {
    const home = join(stack.settings.build, 'tests/bench/peers');
    await stack.startRedis(false);
    stack.ports = [await freePort(), await freePort()];
    for (const port of stack.ports) {
        const node = stack.run(`node-${port}`, [process.execPath, join(home, 'socketio.cjs'), String(port), join(stack.dir, 'redis.sock')],
            { env: { NODE_ENV: 'production' } });
        await stack.await(node, () => answers({ port, host: '127.0.0.1' }));
    }
}

async function startPhp(stack) {
    const program = readdirSync('/usr/sbin').filter((name) => name.startsWith('php-fpm')).sort().pop();
    await stack.startRedis(false);
    await stack.startNginx(peerFile(stack, 'php.conf'));
    stack.memoryBefore = memory(stack); // its processes are what a listener costs
    writeFileSync(join(stack.dir, 'php-fpm.conf'), peerFile(stack, 'php-fpm.conf'));
    const php = stack.run('php', [program, '--nodaemonize', '--allow-to-run-as-root', '--fpm-config', join(stack.dir, 'php-fpm.conf')]);
    await stack.await(php, () => answers(join(stack.dir, 'listen.sock')));
}

async function ready(stack, path, request = {}) {
    for (let i = 0; i < 100; i++) {
        const reply = await fetch(`http://127.0.0.1:${stack.ports[0]}${path}`, request).catch(() => null);
        if (reply?.ok) return;
        await sleep(50);
    }
    throw new Error(`${stack.peer} is not ready`);
}

const STARTERS = { earshot: startEarshot, checked: startChecked, nchan: startNchan, socketio: startSocketIo, php: startPhp, floor: startFloor };
export const PEERS = Object.keys(STARTERS);

// A smoke has a tenth of the listeners and takes a second.
const smaller = (line) => line.replace(/^(open n=)(\d{3,})/, (_, head, n) => head + n / 10).replace(/^(publish .*seconds=)\d+\b/, '$11');

// The load program: one command at a time, each answered by a line of JSON.
export class Load {
    constructor(stack) {
        const { child } = stack.run('load', [join(stack.settings.build, 'tests/bench/load'), stack.dialect, stack.ports.join(',')],
            { outside: true, env: stack.authorization ? { BENCH_AUTHORIZATION: stack.authorization } : {} });
        this.child = child;
        this.stack = stack;
        this.text = this.errors = '';
        child.stderr.on('data', (data) => { this.errors += data; });
        child.stdin.on('error', () => {}); // it has ended; the answer below says so
        child.stdout.on('data', (data) => {
            this.text += data;
            if (!this.text.endsWith('\n')) return;
            this.reject = null;
            this.resolve(JSON.parse(this.text));
        });
        child.once('close', () => this.reject?.(new Error(`${stack.peer}: load has ended: ${this.errors.trim()}`)));
    }

    command(line) {
        if (this.stack.settings.quick) line = smaller(line);
        this.text = '';
        return new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
            this.child.stdin.write(`${line}\n`);
        });
    }
}
