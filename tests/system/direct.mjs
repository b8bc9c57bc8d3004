// direct.mjs - earshot in direct mode: run as a web server runs a CGI program, and behind a real Apache.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Stream, build, freePort, root, until } from './harness.mjs';

const asRoot = process.getuid() === 0;

/** Puts the program under both names into the earshot's directory, and its configuration beside it. */
export function place(e, conf = {}) {
  for (const name of ['earshot.cgi', 'earshot.fcgi']) {
    fs.rmSync(path.join(e.dir, name), { force: true });
    fs.copyFileSync(path.join(build, 'earshotd'), path.join(e.dir, name));
  }
  const all = { ...e.conf, ...conf, listen: null };
  const lines = Object.entries(all).filter(([, value]) => value !== null).map(([key, value]) => `${key} = ${value}\n`);
  const file = path.join(e.dir, '.htearshot.conf');
  fs.writeFileSync(file, lines.join(''), { mode: 0o644 });
  return file;
}

/** A response as a CGI program gives it, as far as it has come. */
class Response extends Stream {
  constructor(child) {
    super({ destroy() {} }, child.stdout);
    this.child = child;
    this.bytes = Buffer.alloc(0);
    this.errors = '';
    child.stderr.on('data', (chunk) => { this.errors += chunk; });
    child.stdout.on('data', (chunk) => this.come(chunk));
    this.ended = new Promise((resolve) => { child.on('close', (code, signal) => resolve({ code, signal })); });
  }

  /** Takes the head away; what follows are the items of a stream, or the body. */
  come(chunk) {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    if (this.head !== undefined) return this.feed(chunk);
    const end = this.bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    this.head = this.bytes.subarray(0, end).toString();
    this.status = Number(/^Status: (\d+)/.exec(this.head)?.[1]);
    return this.feed(this.bytes.subarray(end + 4));
  }

  feed(chunk) {
    this.body = (this.body ?? '') + chunk.toString();
    if (!/text\/event-stream/.test(this.head)) return;
    this.form = 'sse';
    this.rest = (this.rest ?? '') + chunk.toString();
    for (let at = this.rest.indexOf('\n\n'); at >= 0; at = this.rest.indexOf('\n\n')) {
      this.take(Buffer.from(this.rest.slice(0, at)));
      this.rest = this.rest.slice(at + 2);
    }
  }

  json() { return JSON.parse(this.body); }

  /** Waits for its end. */
  async done() {
    this.how = await this.ended;
    return this;
  }
}

/** Runs earshot.cgi for one request, as a web server would. `body`: undefined, text, or null for input that stays open. */
export function cgi(e, method, where, { body, headers = {}, env = {}, args = [] } = {}) {
  const [file, query = ''] = where.split('?');
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, value]));
  if (headers['content-type']) own.CONTENT_TYPE = headers['content-type'];
  if (typeof body === 'string') own.CONTENT_LENGTH = String(Buffer.byteLength(body));
  const child = spawn(path.join(e.dir, 'earshot.cgi'), args, {
    cwd: e.dir,
    env: {
      ...e.env, GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', REQUEST_METHOD: method, SCRIPT_NAME: '/cgi-bin/earshot.cgi',
      PATH_INFO: `/${file}`, QUERY_STRING: query, REMOTE_ADDR: '127.0.0.1', ...own, ...env,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  if (body !== null) child.stdin.end(body ?? '');
  return new Response(child);
}

/** All processes of direct mode that were started in the earshot's directory. */
export function processes(e, name = 'earshot.') {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return fs.readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith(name) && fs.readlinkSync(`/proc/${pid}/cwd`) === e.dir;
    } catch {
      return false;
    }
  }).map(Number);
}

/** Those of them that hold a receive: they have a place among those that there are. */
export const streaming = (e) => processes(e).filter((pid) => {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).some((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^\/tmp\/earshot-\d/));
  } catch {
    return false;
  }
});

/** A real Apache in front: /cgi/ by mod_cgid, /fcgi/ by mod_fcgid. */
export async function startApache(e) {
  const site = path.join(e.dir, 'apache-site.conf');
  fs.writeFileSync(site, `
ScriptAlias /cgi/ ${e.dir}/earshot.cgi/
Alias /fcgi/ ${e.dir}/earshot.fcgi/
PassEnv TEST_MARK ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS
FcgidInitialEnv TEST_MARK ${e.env.TEST_MARK}
FcgidOutputBufferSize 0
FcgidMaxRequestLen 2000000
<Directory ${e.dir}>
  Require all granted
  Options FollowSymLinks ExecCGI
  CGIPassAuth On
</Directory>
<Files earshot.fcgi>
  SetHandler fcgid-script
</Files>
`);
  if (asRoot) {
    fs.chmodSync(e.dir, 0o777);
    fs.chmodSync(path.join(e.dir, 'redis.sock'), 0o777);
  }
  e.port = await freePort();
  e.origin = `http://127.0.0.1:${e.port}`;
  Object.assign(e.env, {
    SITE_CONF: site, SITE_PORT: String(e.port), SITE_DIR: e.dir, SITE_SOCKETS: e.dir, SITE_USER: 'www-data', SITE_GROUP: 'www-data',
  });
  const apache = e.program('apache', 'apache2', ['-DFOREGROUND', '-Dfcgid', '-f', path.join(root, 'contrib/quickstart/apache.conf')]);
  await until('Apache answers', async () => {
    if (!apache.alive) throw new Error(`Apache has ended: ${apache.text().slice(-1000)}`);
    return (await e.get(`${e.origin}/cgi/livez`).catch(() => ({}))).status === 200;
  }, 15000);
  return apache;
}
