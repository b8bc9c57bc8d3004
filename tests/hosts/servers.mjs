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

/** The numbers of a user and its group. */
const idsOf = (user) => new RegExp(`^${user}:[^:]*:(\\d+):(\\d+):`, 'm').exec(fs.readFileSync('/etc/passwd', 'utf8')).slice(1).map(Number);

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

/** A directory with earshot as the web server's own program, named so, and its configuration beside it. */
function programIn(e, dir, name) {
  fs.mkdirSync(dir, { recursive: true });
  fs.rmSync(path.join(dir, name), { force: true });
  fs.copyFileSync(path.join(build, 'earshotd'), path.join(dir, name));
  const lines = Object.entries(e.conf).filter(([key]) => !/^(listen|listen_mode|user)$/.test(key)).map(([key, value]) => `${key} = ${value}\n`);
  const conf = path.join(dir, '.htearshot.conf');
  fs.writeFileSync(conf, lines.join(''), { mode: 0o600 });
  if (asRoot) fs.chownSync(conf, ...idsOf(USER));
  return path.join(dir, name);
}

/** What a customer of a shared host copies: the page in chat/, and the program where the API is. */
function customerSite(e, mount, htaccess) {
  const site = path.join(e.dir, 'site');
  fs.rmSync(site, { recursive: true, force: true });
  fs.cpSync(path.join(root, 'www'), path.join(site, 'chat'), { recursive: true, filter: (from) => path.basename(from) !== 'node_modules' });
  const rules = example('contrib/htaccess-example');
  const put = (dir, text) => {
    programIn(e, dir, 'earshot.cgi');
    fs.writeFileSync(path.join(dir, '.htaccess'), htaccess(text));
  };
  put(path.join(site, 'chat'), rules);
  if (mount === '/') put(site, change(rules, ['"^v1(/.*)$" "earshot.cgi$1"', '"^(?!chat/|earshot\\.cgi)(.*)$" "earshot.cgi/$1"']));
  else if (mount !== null) put(path.join(site, path.dirname(mount)), change(rules, ['^v1', `^${path.basename(mount)}`]));
  return site;
}

const apache = (file, more, { flags = [], ...about } = {}) => ({
  text: (e, options) => change(example(`contrib/${file}`),
    ['<VirtualHost *:80>', `<VirtualHost 127.0.0.1:${e.port}>`],
    ['ServerName chat.example.org', 'ServerName localhost'], ...more(e, options)),
  mount: (all, at, text = all.replace(/^ *RedirectMatch 404.*\n/m, '')) => (at === '/' ? mounted(text.replace(/^ *ProxyPass "\/chat\/v1/m, 'ProxyPass "/chat/" "!"\n$&').replace(/^ *Alias .*\n/m, '').replace(/^ *ServerName .*\n/m, `$&${/^ *Alias .*\n/m.exec(text)?.[0]}`), at) : mounted(text, at)),
  command: () => ['apache2', ['-DFOREGROUND', ...flags, '-f', base('apache.conf')]],
  ...about,
});

/** The site's text with the API mounted elsewhere, as docs/hosting.md says how. */
const mounted = (text, at) => change(text, ['/chat/v1', at === '/' ? '' : at]);

/** lighttpd's example, with its second way to have a program: it starts it itself. */
const spawning = (text) => text.replace(/^ {8}fastcgi\.server[\s\S]*?\)\) \)\n/m, '').replace(/^ {8}#(?=fastcgi|    "|\)\))/gm, '        ');

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
  'apache-fcgid': apache('apache-fcgid-example.conf', (e) => [
    ['/usr/local/lib/earshot/earshot.fcgi', programIn(e, path.join(e.dir, 'program'), 'earshot.fcgi')],
    ['Define earshot_www /usr/local/share/earshot/www', `Define earshot_www ${path.join(root, 'www')}`]], { flags: ['-Dfcgid'], direct: true }),
  'apache-cgi': apache('apache-cgi-example.conf', (e, { mount, htaccess }) => [
    ['/var/www/html', customerSite(e, mount, htaccess)]], { direct: true, mount: (text) => text }),
  lighttpd: {
    text: (e) => change(example('contrib/lighttpd-example.conf'),
      ['"socket" => "/run/earshot/earshot.sock"', `"socket" => "${e.dir}/earshot.sock"`],
      ['chat\\.example\\.org', '(localhost|127\\.0\\.0\\.1)'],
      ['/usr/local/share/earshot/www/', path.join(root, 'www/')]),
    mount: (all, at, text = all.replace(/^ *RedirectMatch 404.*\n/m, '')) => (at === '/' ? change(text,
      ['$HTTP["url"] =~ "^/chat/v1/" {', '$HTTP["url"] =~ "^/(?!chat/)" {'],
      ['fastcgi.server = ( "/chat/v1" => ((', 'fastcgi.server = ( "/" => (( "fix-root-scriptname" => "enable",']) : mounted(text, at)),
    command: (e) => {
      fs.mkdirSync(path.join(e.dir, 'none'), { recursive: true });
      return ['lighttpd', ['-D', '-f', base('lighttpd.conf')]];
    },
  },
  'lighttpd-fcgi': {
    direct: true,
    text: (e, options) => change(spawning(servers.lighttpd.text(e, options)),
      ['/usr/local/lib/earshot/earshot.fcgi', programIn(e, path.join(e.dir, 'program'), 'earshot.fcgi')],
      ['/run/lighttpd/earshot.sock', `${e.dir}/spawned.sock`]),
    mount: (text, at) => servers.lighttpd.mount(text, at),
    command: (e) => servers.lighttpd.command(e),
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

/** Does somebody listen at this port of this machine? */
export const listens = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.on('error', () => resolve(false));
});

/** Starts the web server `name` in front of an earshot that has none, with the API at `mount`; `alter(text)` gives its site
 * another text, `htaccess(text)` that of a customer's .htaccess. */
export async function startServer(e, name, { mount = null, alter = (text) => text, htaccess = (text) => text } = {}) {
  const server = servers[name];
  for (let attempt = 0; attempt < 3; attempt++) {
    e.port = await freePort();
    e.origin = `http://127.0.0.1:${e.port}`;
    e.base = `${e.origin}${mount === '/' ? '' : mount ?? '/chat/v1'}`;
    const site = path.join(e.dir, `${name}-site.conf`);
    const text = server.text(e, { mount, htaccess });
    fs.writeFileSync(site, alter(mount === null ? text : server.mount(text, mount)));
    Object.assign(e.env, {
      SITE_CONF: site, SITE_PORT: String(e.port), SITE_DIR: e.dir, SITE_SOCKETS: e.dir,
      SITE_USER: USER, SITE_GROUP: USER, HOME: e.dir,
    });
    e.web = e.program(name, ...server.command(e));
    // lighttpd's way to say that it cut what was open.
    if (name.startsWith('lighttpd')) e.web.endsWith = 1;
    const up = await until(`${name} listens`, async () => (e.web.alive ? listens(e.port) : 'ended'));
    if (up === true) return e.web;
  }
  throw new Error(`${name} does not start:\n${e.web.text().slice(-2000)}`);
}

/** A whole site behind the web server `name`: `conf`, `env` and the like as Earshot.start takes them, `alter` as above. */
export async function siteBehind(name, { alter, htaccess, conf = {}, ...options } = {}) {
  const direct = servers[name].direct === true;
  const e = await Earshot.start({
    ...options, nginx: false, daemon: !direct, redisArgs: ['--unixsocketperm', '777'], conf: { listen_mode: '0666', ...conf },
  });
  try {
    // As root, the servers' workers become another user, who must get in.
    if (asRoot) fs.chmodSync(e.dir, 0o777);
    await startServer(e, name, { alter, htaccess });
    await e.ready();
  } catch (error) {
    const log = `${(await e.get('readyz').catch((failed) => failed)).text}\n${e.web?.text().slice(-3000)}`;
    await e.stop().catch(() => {});
    throw new Error(`${name}: ${error.message}\n${log}`);
  }
  return e;
}
