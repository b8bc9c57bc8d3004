// servers.mjs - an earshot of a test behind any of the web servers, each from its example configuration.
//
// A test changes of an example what its marked lines name: addresses and paths. `alter` changes more, for tests of what a wrong
// line does.

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Earshot, build, freePort, root, until } from '../system/harness.mjs';

const asRoot = process.getuid() === 0;
const USER = 'www-data';

/** Replaces each of the pairs, all of which must be there: an example that has changed is told at once. */
function change(text, ...pairs) {
  for (const [from, to] of pairs) {
    if (!text.includes(from)) throw new Error(`the example no longer has the line: ${from}`);
    text = text.replaceAll(from, () => to);
  }
  return text;
}

const example = (name) => fs.readFileSync(path.join(root, name), 'utf8');
const base = (name) => path.join(root, 'contrib/quickstart', name);

/** The rest of a web server's configuration, where a distribution has its own; nginx knows no environment. */
function nginxConf(e) {
  const temp = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'].map((t) => `  ${t}_temp_path tmp-${t};\n`).join('');
  return `${asRoot ? 'user root;\n' : ''}worker_processes 2;
pid nginx.pid;
error_log stderr info;
daemon off;
worker_shutdown_timeout 1s;
events { worker_connections 4096; }
http {
  access_log off;
${temp}  include nginx-site.conf;
}
`;
}

/** The page's directory for a site of CGI programs: the page, the program beside it, and its configuration. */
function webDirectory(e, program) {
  const dir = path.join(e.dir, 'chat');
  fs.cpSync(path.join(root, 'www'), dir, { recursive: true, filter: (from) => path.basename(from) !== 'node_modules' });
  fs.copyFileSync(path.join(build, 'earshotd'), path.join(dir, program));
  const lines = Object.entries(e.conf).filter(([key]) => key !== 'listen' && key !== 'listen_mode').map(([key, value]) => `${key} = ${value}\n`);
  fs.writeFileSync(path.join(dir, '.htearshot.conf'), lines.join(''));
  return dir;
}

const apache = (file, more = () => [], flags = []) => ({
  text: (e) => change(example(`contrib/${file}`),
    ['<VirtualHost *:80>', `<VirtualHost 127.0.0.1:${e.port}>`],
    ['ServerName chat.example.org', 'ServerName localhost'], ...more(e)),
  mount: (text, at) => (at === '/' ? mounted(text.replace(/^( *)ProxyPass "\/chat\/v1/m, '$1ProxyPass "/chat/" "!"\n$&'), at) : mounted(text, at)),
  command: () => ['apache2', ['-DFOREGROUND', ...flags, '-f', base('apache.conf')]],
});

/** The site's text with the API mounted elsewhere, as docs/hosting.md says how. */
const mounted = (text, at) => change(text, ['/chat/v1', at === '/' ? '' : at]);

/** Of each server: its site's text; the command that runs it in the foreground; `direct`: without a daemon. */
export const servers = {
  nginx: {
    text: (e) => change(example('nginx-example.conf'),
      ['unix:/run/earshot/earshot.sock;', `unix:${e.dir}/earshot.sock;`],
      ['    listen 80;', `    listen 127.0.0.1:${e.port};`],
      ['server_name chat.example.org;', 'server_name localhost;'],
      ['/usr/local/share/earshot/www/', path.join(root, 'www/')]),
    // At / the place for the site's own pages is ours.
    mount: (text, at) => mounted(at === '/' ? text.replace(/\n    # No other path is[\s\S]*(\n}\n)$/, '$1') : text, at),
    atOnce: true,
    command: (e) => {
      fs.writeFileSync(path.join(e.dir, 'nginx.conf'), nginxConf(e));
      return ['nginx', ['-p', `${e.dir}/`, '-c', `${e.dir}/nginx.conf`, '-e', 'stderr']];
    },
  },
  apache: apache('apache-example.conf', (e) => [
    ['Define earshot_socket /run/earshot/earshot.sock', `Define earshot_socket ${e.dir}/earshot.sock`],
    ['Define earshot_www /usr/local/share/earshot/www', `Define earshot_www ${path.join(root, 'www')}`]]),
  lighttpd: {
    text: (e) => change(example('contrib/lighttpd-example.conf'),
      ['"socket" => "/run/earshot/earshot.sock"', `"socket" => "${e.dir}/earshot.sock"`],
      ['chat\\.example\\.org', '(localhost|127\\.0\\.0\\.1)'],
      ['/usr/local/share/earshot/www/', path.join(root, 'www/')]),
    mount: (text, at) => (at === '/' ? change(text,
      ['$HTTP["url"] =~ "^/chat/v1/" {', '$HTTP["url"] =~ "^/(?!chat/)" {'],
      ['fastcgi.server = ( "/chat/v1" => ((', 'fastcgi.server = ( "/" => (( "fix-root-scriptname" => "enable",']) : mounted(text, at)),
    command: (e) => {
      fs.mkdirSync(path.join(e.dir, 'none'), { recursive: true });
      return ['lighttpd', ['-D', '-f', base('lighttpd.conf')]];
    },
  },
  caddy: {
    text: (e) => change(example('contrib/Caddyfile-example'),
      ['unix//run/earshot/earshot.sock', `unix/${e.dir}/earshot.sock`],
      ['http://chat.example.org {', `http://localhost:${e.port}, http://127.0.0.1:${e.port} {`],
      ['/usr/local/share/earshot/www', path.join(root, 'www')]),
    mount: (text, at) => mounted(at === '/' ? change(text, ['split /chat/v1', 'split ""']) : text, at),
    command: () => ['caddy', ['run', '--adapter', 'caddyfile', '--config', base('Caddyfile')]],
  },
};

const listens = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.on('error', () => resolve(false));
});

/** Starts the web server `name` in front of an earshot that has none, with the API at `mount`; `alter(text)` gives its site
 * another text. */
export async function startServer(e, name, { mount = null, alter = (text) => text } = {}) {
  const server = servers[name];
  for (let attempt = 0; attempt < 3; attempt++) {
    e.port = await freePort();
    e.origin = `http://127.0.0.1:${e.port}`;
    e.base = `${e.origin}${mount === '/' ? '' : mount ?? '/chat/v1'}`;
    const site = path.join(e.dir, `${name}-site.conf`);
    const text = server.text(e);
    fs.writeFileSync(site, alter(mount === null ? text : server.mount(text, mount)));
    Object.assign(e.env, {
      SITE_CONF: site, SITE_PORT: String(e.port), SITE_DIR: e.dir, SITE_SOCKETS: e.dir,
      SITE_USER: USER, SITE_GROUP: USER, HOME: e.dir,
    });
    e.web = e.program(name, ...server.command(e));
    const up = await until(`${name} listens`, async () => (e.web.alive ? listens(e.port) : 'ended'));
    if (up === true) return e.web;
  }
  throw new Error(`${name} does not start:\n${e.web.text().slice(-2000)}`);
}

/** A whole site behind the web server `name`: `conf`, `env` and the like as Earshot.start takes them, `alter` as above. */
export async function siteBehind(name, { alter, conf = {}, ...options } = {}) {
  const direct = servers[name].direct === true;
  const e = await Earshot.start({
    ...options, nginx: false, daemon: !direct, redisArgs: ['--unixsocketperm', '777'], conf: { listen_mode: '0666', ...conf },
  });
  try {
    // As root, the servers' workers become another user, who must get in.
    if (asRoot) fs.chmodSync(e.dir, 0o777);
    await startServer(e, name, { alter });
    await e.ready();
  } catch (error) {
    const log = e.web?.text().slice(-3000) ?? '';
    await e.stop().catch(() => {});
    throw new Error(`${name}: ${error.message}\n${log}`);
  }
  return e;
}
