// doctor.mjs - what one can get wrong in a web server before earshot, one mistake each, for the test of `earshot doctor`.
//
// Each takes a line out of the server's example configuration and puts a wrong one there. `check`: what must be found, and where
// the line that `earshot doctor` names for it goes: in place of `wrong`, or behind `behind`.

/** Replaces what must be there, once. */
export function put(text, from, to) {
  if (!text.includes(from)) throw new Error(`the example no longer has: ${from}`);
  return text.replace(from, () => to);
}

const API = 'fastcgi_max_temp_file_size 0;'; // a line of nginx's location of the API
const mistake = (server, check, name, more) => ({ server, check, name, ...more });
const instead = (from, wrong, rest = '') => ({ break: (text) => put(text, from, `${wrong}${rest}`), wrong });

/** An nginx in front of the nginx of the example, which listens on a socket then. */
const outer = (lines) => (text, { dir, port }) => `${put(text, `listen 127.0.0.1:${port};`, `listen unix:${dir}/inner.sock;`)}
server {
    listen 127.0.0.1:${port};
    location / {
        proxy_pass http://unix:${dir}/inner.sock:;
        proxy_set_header Host $host;
        ${lines}
    }
}
`;
const proxied = (wrong, good) => ({ break: outer(`proxy_buffering off; proxy_read_timeout 15m; client_max_body_size 1m;\n${wrong}`.replace(good, '')), wrong, line: /^proxy_/ });

export const mistakes = [
  mistake('nginx', 'buffering', 'buffers and passes over X-Accel-Buffering', instead('fastcgi_buffering off;', 'fastcgi_buffering on;', 'fastcgi_ignore_headers X-Accel-Buffering;')),
  mistake('nginx', 'compression', 'compresses streams', instead('gzip off;', 'gzip on;', 'gzip_types text/event-stream application/x-ndjson; gzip_min_length 0; gzip_proxied any;')),
  mistake('nginx', 'idle', 'cuts after two seconds of silence', { ...instead('fastcgi_read_timeout 15m;', 'fastcgi_read_timeout 2s;'), idle: '4s' }),
  mistake('nginx', 'authorization', 'drops Authorization', { ...instead('fastcgi_param HTTP_PROXY        "";', 'fastcgi_param HTTP_AUTHORIZATION "";', 'fastcgi_param HTTP_PROXY "";'), quick: true }),
  mistake('nginx', 'errors', 'has error pages of its own', { ...instead(API, 'fastcgi_intercept_errors on;', `error_page 401 404 /oops; ${API}`), quick: true }),
  mistake('nginx', 'body', 'takes bodies of 1 KiB', { ...instead('client_max_body_size 1m;', 'client_max_body_size 1k;'), quick: true }),
  mistake('nginx', 'methods', 'lets GET and POST through only', { ...instead(API, 'limit_except GET POST { deny all; }', API), quick: true }),
  mistake('nginx', 'cache', 'keeps what says no-store', {
    break: (text, { dir }) => `fastcgi_cache_path ${dir}/cache keys_zone=z:1m;\n${put(text, API, `fastcgi_cache z; fastcgi_cache_key $request_uri; fastcgi_cache_valid any 1m; fastcgi_ignore_headers Cache-Control; ${API}`)}`,
    wrong: 'fastcgi_cache z;', quick: true,
  }),
  mistake('nginx', 'cache-control', 'has answers expire in an hour', { ...instead(API, 'expires 1h;', API), quick: true }),
  mistake('nginx', 'config', 'hands out its configuration', {
    break: (text, { dir }) => put(text, '    location / {\n', `    location / {\n        root ${dir};\n        break;\n`), behind: 'request_pool_size 1k;', quick: true,
  }),
  mistake('nginx', 'resume', 'drops Last-Event-ID', { break: outer('proxy_buffering off; proxy_set_header Last-Event-ID "";'), wrong: 'proxy_set_header Last-Event-ID "";', line: /^proxy_/, quick: false }),
  mistake('nginx', 'buffering', 'passes on by proxy_pass, with buffers', proxied('proxy_buffering on;', 'proxy_buffering off;')),
  mistake('nginx', 'idle', 'passes on by proxy_pass, and cuts after two seconds', { ...proxied('proxy_read_timeout 2s;', 'proxy_read_timeout 15m;'), idle: '4s' }),
  mistake('nginx', 'authorization', 'passes on by proxy_pass, without Authorization', { ...proxied('proxy_set_header Authorization "";', ''), quick: true }),

  mistake('apache', 'buffering', 'passes on without flushpackets', { break: (text) => put(text, ' flushpackets=on', ''), endOf: 'ProxyPass "/chat/v1/"', line: /^flushpackets/ }),
  mistake('apache', 'idle', 'cuts after two seconds of silence', { break: (text) => put(text, ' timeout=900', ' timeout=2'), wrong: 'timeout=2', line: /^timeout/, idle: '4s' }),
  mistake('apache', 'compression', 'compresses streams', { break: (text) => put(text, 'SetEnv no-gzip 1', ''), behind: 'ProxyErrorOverride Off' }),
  mistake('apache', 'authorization', 'drops Authorization', { ...instead('CGIPassAuth On', 'CGIPassAuth Off'), line: /^CGI/, quick: true }),
  mistake('apache', 'errors', 'has error pages of its own', { ...instead('ProxyErrorOverride Off', 'ProxyErrorOverride On'), quick: true }),

  mistake('apache-fcgid', 'buffering', 'keeps events until 64 KiB have come together', { ...instead('FcgidOutputBufferSize 0', 'FcgidOutputBufferSize 65536'), line: /^Fcgid/ }),
  mistake('apache-fcgid', 'authorization', 'drops Authorization', { ...instead('CGIPassAuth On', 'CGIPassAuth Off'), line: /^FcgidPass|^CGI/, quick: true }),
  mistake('apache-cgi', 'compression', 'compresses streams', { htaccess: true, ...instead('SetEnvIf Request_URI "/(v1|earshot\\.cgi)/" no-gzip no-brotli', '# compressed') }),

  mistake('lighttpd', 'buffering', 'holds streams to their end', instead('server.stream-response-body = 2', 'server.stream-response-body = 0')),
  mistake('lighttpd', 'idle', 'cuts after two seconds of silence', { ...instead('"check-local" => "disable",', '"read-timeout" => 2,', '"check-local" => "disable",'), idle: '4s' }),
  mistake('lighttpd', 'errors', 'has error pages of its own', {
    break: (text) => put(text, /\$REQUEST_HEADER\["Accept"\] =~ "text\/event-stream" \{[^]*?problem.json"\n +\}/.exec(text)[0], 'server.errorfile-prefix = "/nonexistent/"\nserver.error-intercept = "enable"'),
    wrong: 'server.error-intercept = "enable"', quick: true,
  }),
  mistake('lighttpd', 'body', 'takes bodies of 1 KiB', { break: (text) => `server.max-request-size = 1\n${put(text, 'server.max-request-size = 1024', '')}`, wrong: 'server.max-request-size = 1\n', quick: true }),

  mistake('caddy', 'idle', 'cuts after two seconds of silence', { ...instead('read_timeout 15m', 'read_timeout 2s'), idle: '4s' }),
  mistake('caddy', 'compression', 'compresses streams', instead('\t\treverse_proxy unix//', '\t\tencode {\n\t\t\tgzip\n\t\t\tminimum_length 1\n\t\t\tmatch {\n\t\t\t\theader Content-Type text/event-stream*\n\t\t\t}\n\t\t}', '\n\t\treverse_proxy unix//')),
  mistake('caddy', 'body', 'takes bodies of 1 KB', { ...instead('request_body {\n\t\t\tmax_size 1MB\n\t\t}', 'request_body {\n\t\t\tmax_size 1KB\n\t\t}'), quick: true }),
];
