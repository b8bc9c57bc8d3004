// harness.mjs - a whole earshot of its own for a test: redis, nginx and earshotd on a free port, in a
// directory of their own; stopped by pid at the end, with a look at what they left behind.
//
// EARSHOT_BUILD  the build directory under test (default: build/)
// EARSHOT_SLOW   how many times longer than usual to wait (a sanitizer build: 3)
// EARSHOT_SEED   the seed of everything random, as a failed run printed it
// EARSHOT_KEEP   keep the directories of the tests

import { execFile, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const build = path.resolve(process.env.EARSHOT_BUILD ?? path.join(root, 'build'));
export const slow = Number(process.env.EARSHOT_SLOW ?? 1);
export const seed = Number(process.env.EARSHOT_SEED ?? Date.now() % 1e6);
export const SECRET = 'a secret of the tests, long enough to sign with';

const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe` gives something true and returns that; fails after `ms`, times EARSHOT_SLOW. */
export async function until(what, probe, ms = 10000) {
  const end = Date.now() + ms * slow;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms * slow} ms: ${what}`);
    await sleep(20);
  }
}

/** A promise, or an error after `ms`, times EARSHOT_SLOW. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms * slow} ms: ${what}`)), ms * slow);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Random numbers from 0 to 1 that a seed repeats (mulberry32). */
export function random(from = seed) {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Runs a program to its end: { code, signal, stdout, stderr }, output as Buffers. */
export function run(program, args = [], { input, env, cwd, timeout = 30000 } = {}) {
  return new Promise((resolve, reject) => {
    const options = {
      encoding: 'buffer',
      maxBuffer: 1 << 28,
      timeout: timeout * slow,
      cwd,
      env: { ...process.env, PATH, ...env },
    };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (error && typeof error.code === 'string') reject(error);
      else resolve({ code: error ? error.code : 0, signal: error?.signal ?? null, stdout, stderr });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}

export const curl = (...args) => run('curl', ['-sS', ...args]);

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// ---- tokens, made without the code under test -------------------------------------------------

export const base64url = (data) => Buffer.from(data).toString('base64url');

/** A JWT with any header and claims (an object, or a text or bytes as they are), signed with HMAC (HS256 unless the header says otherwise). */
export function jwt(claims, { header = {}, secret = SECRET, hash = 'sha256' } = {}) {
  const head = base64url(JSON.stringify({ typ: 'JWT', alg: 'HS256', ...header }));
  const body = base64url(typeof claims === 'string' || Buffer.isBuffer(claims) ? claims : JSON.stringify(claims));
  return `${head}.${body}.${createHmac(hash, secret).update(`${head}.${body}`).digest('base64url')}`;
}

export const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;
export const tokenOf = (user, more = {}) => jwt({ sub: user, exp: inAnHour(), ...more });
export const bearer = (token) => ({ authorization: `Bearer ${token}` });

// ---- processes --------------------------------------------------------------------------------

/** All processes that have this mark in their environment, with their command lines. */
export function marked(mark) {
  const found = [];
  for (const pid of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      if (fs.readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)) {
        const state = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop()[0];
        if (state !== 'Z') found.push({ pid: Number(pid), name: fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').replace(/\0/g, ' ') });
      }
    } catch {
      // It has ended, or is not ours to read.
    }
  }
  return found;
}

/** One process that the harness watches over. */
class Program {
  constructor(name, command, args, { cwd, env, log }) {
    this.name = name;
    this.log = log;
    const fd = fs.openSync(log, 'a');
    this.child = spawn(command, args, { cwd, env, stdio: ['ignore', fd, fd] });
    fs.closeSync(fd);
    this.ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve({ code, signal }));
      this.child.on('error', (error) => resolve({ error }));
    });
    this.ended.then((how) => { this.how = how; });
  }

  get pid() { return this.child.pid; }
  get alive() { return this.how === undefined; }
  signal(name) { if (this.alive) process.kill(this.pid, name); }

  /** Ends it by `name` (SIGTERM) and returns how it ended: { code, signal }. */
  async stop(name = 'SIGTERM', ms = 15000) {
    this.signal('SIGCONT');
    this.signal(name);
    try {
      return await within(ms, `${this.name} ends after ${name}`, this.ended);
    } catch (error) {
      this.signal('SIGKILL');
      throw error;
    }
  }

  text() { return fs.readFileSync(this.log, 'utf8'); }
}

// ---- earshot ----------------------------------------------------------------------------------

export class Earshot {
  /**
   * Starts all and returns it once it is ready. `conf`: lines of earshot.conf over the usual ones;
   * `env`: more of the environment; `redisArgs`: more for redis-server; `redisUrl(dir)`: the URL for
   * earshotd; `nginx: false`, `daemon: false`: without these; `connections` and `listen`: how many
   * connections a worker of nginx takes, and more for its `listen`; `redis`: another earshot, whose Redis it uses; `namespace`: the site's.
   */
  static async start({ conf = {}, env = {}, redisArgs = [], redisUrl, nginx = true, daemon = true, connections = 4096, listen = '', redis = null, namespace = 'main' } = {}) {
    const e = new Earshot();
    e.connections = connections;
    e.listenMore = listen;
    e.namespace = namespace;
    e.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'earshot-test-'));
    e.mark = `TEST_MARK=${path.basename(e.dir)}-${randomBytes(4).toString('hex')}`;
    e.binary = path.join(build, 'earshotd');
    e.env = {
      PATH,
      LANG: 'C.UTF-8',
      TEST_MARK: e.mark.split('=')[1],
      ASAN_OPTIONS: `detect_leaks=1:log_path=${e.dir}/sanitizer:log_exe_name=1`,
      UBSAN_OPTIONS: `print_stacktrace=1:log_path=${e.dir}/sanitizer`,
      LSAN_OPTIONS: 'report_objects=0',
      ...env,
    };
    e.programs = [];
    e.agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
    e.conf = {
      listen: `unix:${e.dir}/earshot.sock`,
      redis: redisUrl ? redisUrl(e.dir) : `unix://${redis?.dir ?? e.dir}/redis.sock`,
      jwt_secret: SECRET,
      anonymous: '*=rw',
      rate_send: 'off',
      rate_guest: 'off',
      rate_login: 'off',
      guests: 'on',
      registration: 'on',
      drain: '2s',
      ...(process.getuid() === 0 ? { user: 'root' } : {}),
      ...conf,
    };
    e.redisArgs = redisArgs;
    e.writeConf();
    try {
      if (!redis) await e.startRedis();
      if (daemon) await e.startDaemon();
      if (nginx) await e.startNginx();
      if (daemon && nginx) await e.ready();
    } catch (error) {
      const logs = e.programs.map((p) => `---- ${p.name}\n${p.text().slice(-2000)}`).join('\n');
      await e.stop().catch(() => {});
      throw new Error(`${error.message}\n${logs}`);
    }
    return e;
  }

  /** Another earshotd behind an nginx of its own, on the same Redis: another machine of the same site. */
  second({ conf, ...options } = {}) {
    const { listen, redis, ...same } = this.conf;
    return Earshot.start({ ...options, conf: { ...same, ...conf }, redis: this });
  }

  writeConf() {
    const lines = [];
    for (const [key, value] of Object.entries(this.conf)) {
      for (const one of [value].flat()) if (one !== null) lines.push(`${key} = ${one}\n`);
    }
    fs.writeFileSync(path.join(this.dir, 'earshot.conf'), lines.join(''), { mode: 0o600 });
  }

  program(name, command, args) {
    const program = new Program(name, command, args, { cwd: this.dir, env: this.env, log: path.join(this.dir, `${name}.log`) });
    this.programs.push(program);
    return program;
  }

  async startRedis(ms = 5000) {
    this.redis = this.program('redis', 'redis-server', [
      '--port', '0', '--unixsocket', `${this.dir}/redis.sock`, '--dir', this.dir,
      '--appendonly', 'yes', '--save', '', ...this.redisArgs,
    ]);
    await until('redis answers', async () => {
      if (!this.redis.alive) throw new Error('redis has ended');
      return (await this.redisCli('ping')).trim() === 'PONG';
    }, ms);
  }

  async redisCli(...args) {
    const { stdout } = await run('redis-cli', ['-s', `${this.dir}/redis.sock`, ...args]);
    return stdout.toString();
  }

  async startDaemon(ms = 5000) {
    this.daemon = this.program('earshotd', this.binary, ['--config', `${this.dir}/earshot.conf`, '--foreground']);
    await until('earshotd listens', () => {
      if (!this.daemon.alive) throw new Error(`earshotd has ended: ${JSON.stringify(this.daemon.how)}`);
      return fs.existsSync(`${this.dir}/earshot.sock`);
    }, ms);
  }

  async startNginx() {
    for (let attempt = 0; attempt < 5; attempt++) {
      this.port = await freePort();
      this.origin = `http://127.0.0.1:${this.port}`;
      this.base = `${this.origin}/chat/v1`;
      const site = fs.readFileSync(path.join(root, 'nginx-example.conf'), 'utf8')
        .replaceAll('unix:/run/earshot/earshot.sock;', `unix:${this.dir}/earshot.sock;`)
        .replace('    listen 80;', `    listen 127.0.0.1:${this.port} ${this.listenMore};`)
        .replace('EARSHOT_NAMESPACE main;', `EARSHOT_NAMESPACE ${this.namespace};`)
        .replace('server_name chat.example.org;', 'server_name localhost;')
        .replace('/usr/local/share/earshot/www/', path.join(root, 'www/'));
      fs.writeFileSync(`${this.dir}/nginx-site.conf`, site);
      const user = process.getuid() === 0 ? 'user root;\n' : '';
      const temp = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((t) => `  ${t}_temp_path tmp-${t};\n`).join('');
      fs.writeFileSync(`${this.dir}/nginx.conf`, `${user}worker_processes 2;
pid nginx.pid;
error_log stderr info;
daemon off;
events { worker_connections ${this.connections}; }
http {
  access_log off;
${temp}  include nginx-site.conf;
}
`);
      this.nginx = this.program('nginx', 'nginx', ['-p', `${this.dir}/`, '-c', `${this.dir}/nginx.conf`, '-e', 'stderr']);
      const up = await until('nginx listens', async () => {
        if (!this.nginx.alive) return 'ended';
        return new Promise((resolve) => {
          const socket = net.connect(this.port, '127.0.0.1', () => { socket.destroy(); resolve('up'); });
          socket.on('error', () => resolve(false));
        });
      });
      if (up === 'up') return;
    }
    throw new Error('nginx found no port');
  }

  ready() {
    return until('readyz says 200', async () => (await this.get('readyz')).status === 200, 10000);
  }

  /** Ends all and checks what is left. Throws what it finds. `keep`: its directory stays, and is the caller's. */
  async stop({ keep = false } = {}) {
    const found = [];
    this.agent.destroy();
    // earshotd, so that streams end with bye; then the web server, whichever it is; redis last.
    const turn = (program) => ['earshotd', program.name, 'redis'].lastIndexOf(program.name);
    for (const program of this.programs.filter((p) => p.alive).sort((a, b) => turn(a) - turn(b))) {
      const how = await program.stop().catch((error) => ({ error }));
      if (how.error || ![0, program.endsWith].includes(how.code)) found.push(`${program.name} ended with ${how.error?.message ?? JSON.stringify(how)}`);
    }
    await until('no process is left', () => marked(this.mark).length === 0, 3000).catch(() => {});
    for (const { pid, name } of marked(this.mark)) {
      found.push(`still running: ${pid} ${name}`);
      try { process.kill(pid, 'SIGKILL'); } catch { /* just ended */ }
    }
    for (const file of fs.readdirSync(this.dir)) {
      const full = path.join(this.dir, file);
      if (file.startsWith('sanitizer')) found.push(fs.readFileSync(full, 'utf8').slice(0, 6000));
    }
    if (this.daemonLog().match(/ERROR: \w+Sanitizer|runtime error:|Assertion .* failed|terminated by signal/)) found.push(this.daemonLog().slice(-4000));
    if (process.env.EARSHOT_KEEP) console.log(`kept: ${this.dir}`);
    else if (!keep) fs.rmSync(this.dir, { recursive: true, force: true });
    if (found.length > 0) throw new Error(found.join('\n'));
  }

  daemonLog() {
    try { return fs.readFileSync(`${this.dir}/earshotd.log`, 'utf8'); } catch { return ''; }
  }

  // ---- its processes

  /** The pids of the daemon's gates or hubs. */
  workers(role) {
    const found = [];
    for (const pid of children(this.daemon.pid)) {
      try {
        if (roleOf(pid) === role) found.push(pid);
      } catch { /* just ended */ }
    }
    return found;
  }

  // ---- requests

  /** One request, read to its end: { status, headers, body (Buffer), text, json() }. */
  request(method, where, { headers = {}, body, agent = this.agent } = {}) {
    return new Promise((resolve, reject) => {
      const url = where.startsWith('http') ? where : `${this.base}/${where}`;
      const req = http.request(url, { method, headers, agent }, (res) => {
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => resolve(reply(res, Buffer.concat(chunks))));
      });
      req.on('error', reject);
      if (body !== undefined && !('content-length' in headers)) req.setHeader('content-length', Buffer.byteLength(body));
      req.end(body);
    });
  }

  get(where, headers) { return this.request('GET', where, { headers }); }

  post(where, body, headers = {}) { return this.request('POST', where, { body, headers }); }

  /** Sends plain text into a room; returns the event that the 201 gave. */
  async send(room, content, headers = {}) {
    const answer = await this.post(`rooms/${room}/messages`, content, { 'content-type': 'text/plain', ...headers });
    if (answer.status !== 201) throw new Error(`send: ${answer.status} ${answer.text}`);
    return answer.json();
  }

  /** Opens a receive and gives its response once the headers are there; `close()` cuts it. */
  open(where, headers = {}) {
    return new Promise((resolve, reject) => {
      const req = http.get(`${this.base}/${where}`, { headers, agent: false }, (res) => resolve(new Stream(req, res)));
      req.on('error', reject);
    });
  }

  /** Opens a receive and takes it apart by its form (`as=` in the query): items arrive in stream.items. */
  async listen(where, headers = {}) {
    const stream = await this.open(where, headers);
    if (stream.status !== 200) throw new Error(`listen: ${stream.status} ${await stream.all()}`);
    stream.withCursor = /[?&]cursor=1/.test(where);
    stream.many = where.startsWith('events?');
    stream.parse();
    return stream;
  }

  /** How many streams are open on a room, as the hubs have told Redis. */
  async listeners(room, namespace = 'main') {
    const values = (await this.redisCli('hvals', `earshot:{${namespace}/${room}}:listeners`)).trim();
    return values.split('\n').filter(Boolean).reduce((sum, v) => sum + Number(v.split(':')[0]), 0);
  }
}

export function children(pid) {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** What a worker is: by its name, as ps shows it. */
function roleOf(pid) {
  return fs.readFileSync(`/proc/${pid}/comm`, 'latin1').trim().replace('earshot-', '');
}

function reply(res, body) {
  return {
    status: res.statusCode,
    headers: res.headers,
    body,
    get text() { return body.toString(); },
    json() { return JSON.parse(body.toString()); },
  };
}

// ---- streams ----------------------------------------------------------------------------------

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A receive that is open. After parse(): `items`, one an event: { id, type, event, content, name, data }. */
export class Stream {
  constructor(req, res) {
    this.req = req;
    this.res = res;
    this.status = res.statusCode;
    this.headers = res.headers;
    this.items = [];
    this.raw = [];
    this.cursor = null;
    this.open = true;
    this.closed = new Promise((resolve) => {
      const end = (how) => { this.open = false; resolve(how); };
      res.on('end', () => end('end'));
      res.on('aborted', () => end('cut'));
      res.on('close', () => end('cut'));
      res.on('error', () => end('cut'));
    });
  }

  close() { this.res.destroy(); this.req.destroy(); }

  async all() {
    const chunks = [];
    for await (const chunk of this.res) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  parse() {
    const type = this.headers['content-type'].split(';')[0];
    this.form = { 'text/event-stream': 'sse', 'application/x-ndjson': 'ndjson', 'text/plain': 'text', 'application/json': 'json' }[type];
    let rest = Buffer.alloc(0);
    const end = this.form === 'sse' ? '\n\n' : '\n';
    this.res.on('data', (chunk) => {
      this.raw.push(chunk);
      let data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      let at;
      while ((at = data.indexOf(end)) >= 0) {
        this.take(data.subarray(0, at));
        data = data.subarray(at + end.length);
      }
      rest = data;
    });
  }

  take(bytes) {
    if (this.form === 'text') return this.takeLine(bytes);
    const text = utf8.decode(bytes);
    const item = this.form === 'sse' ? sseItem(text) : text === '' ? null : ndjsonItem(text);
    if (item === null) {
      this.heartbeats = (this.heartbeats ?? 0) + 1;
      return undefined;
    }
    if (item.cursor) this.cursor = item.cursor;
    return this.items.push(item);
  }

  takeLine(bytes) {
    const item = textItem(bytes, this);
    if (item.cursor) this.cursor = item.cursor;
    this.items.push(item);
  }

  /** The contents received so far, of what the senders sent. */
  get contents() { return this.items.filter((i) => i.content !== undefined).map((i) => i.content); }

  /** Waits until an item is there for which `test` holds, and returns it. */
  async wait(test, ms = 5000, what = 'an event arrives') {
    return until(`${what}; got ${this.items.length}`, () => {
      const found = this.items.find(test);
      if (!found && !this.open) {
        const last = this.items.find(test);
        if (!last) throw new Error(`the stream ended before: ${what}; got ${JSON.stringify(this.items.slice(-3))}`);
        return last;
      }
      return found;
    }, ms);
  }

  waitContent(content, ms) { return this.wait((i) => i.content === content, ms, `content ${JSON.stringify(content)}`); }
  waitType(type, ms) { return this.wait((i) => i.type === type, ms, `event ${type}`); }
}

function eventItem(event, type) {
  return { type: type ?? event.type, id: event.id, content: event.content, name: event.name, event };
}

function sseItem(text) {
  const fields = {};
  for (const line of text.split('\n')) {
    if (line.startsWith(':')) continue;
    const colon = line.indexOf(': ');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  if (fields.data === undefined) return fields.retry === undefined ? null : { type: 'retry', retry: Number(fields.retry) };
  return { ...eventItem(JSON.parse(fields.data), fields.event), cursor: fields.id };
}

function ndjsonItem(text) {
  const event = JSON.parse(text);
  return { ...eventItem(event), cursor: event.cursor ?? event.id };
}

/** A line of text form, as src/event/frame.h describes it: with or without the cursor and the room in front. */
export function textItem(bytes, { withCursor = false, many = false } = {}) {
  let line = bytes;
  let cursor;
  if (withCursor && line[0] !== 0x23) {
    const space = line.indexOf(' ');
    cursor = line.subarray(0, space).toString();
    line = line.subarray(space + 1);
  }
  if (line[0] === 0x23) return { type: line.subarray(2).toString().split(' ')[0], line: line.toString() };
  let room;
  if (many) {
    const end = line.indexOf('] ');
    room = line.subarray(1, end).toString();
    line = line.subarray(end + 2);
  }
  const colon = line.indexOf(': ');
  return { type: 'message', cursor, room, name: unescape(line.subarray(0, colon)), content: unescape(line.subarray(colon + 2)) };
}

function unescape(bytes) {
  if (bytes.indexOf('\\') < 0) return utf8.decode(bytes);
  const out = [];
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== 0x5c) { out.push(bytes[i]); continue; }
    const c = String.fromCharCode(bytes[++i]);
    if (c === '\\') out.push(0x5c);
    else if (c === 'n') out.push(10);
    else if (c === 'r') out.push(13);
    else if (c === 'x') { out.push(parseInt(bytes.subarray(i + 1, i + 3).toString(), 16)); i += 2; }
    else throw new Error(`an escape that is none: \\${c}`);
  }
  return utf8.decode(Buffer.from(out));
}

// ---- for test files ---------------------------------------------------------------------------

/** Starts an earshot for all tests of a file and stops it, with its checks, after them. */
export async function forFile(options) {
  const e = await Earshot.start(options);
  after(() => e.stop());
  return e;
}
