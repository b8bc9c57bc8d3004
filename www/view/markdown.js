// markdown.js - a message's text as elements: bold, italic, struck, code, quotes, links, mentions; all else as it was typed.
//
// What marked finds in the text becomes elements here, one by one, and text becomes text: there is no HTML in between
// that could be something else than what it looks like.

import { Marked } from '../vendor/marked.js';

// Headings, lists, tables, rules, definitions, HTML and what is only indented: in a chat they are what was typed.
const none = () => undefined;
const marked = new Marked({ gfm: true, breaks: true });
marked.use({ tokenizer: { heading: none, lheading: none, list: none, table: none, hr: none, def: none, html: none, tag: none, code: none, reflink: none } });
const BLOCKS = 400; // of one message, and of nesting below: past them a text is shown as it is
const DEPTH = 12;
const URL_MOST = 2000;
const MENTION = /(^|[^\p{L}\p{N}@._-])@([A-Za-z0-9._-]{1,64})/gu;
const PERHAPS_EMOJI = /^[^\p{L}\p{P}]{1,48}$/u;
let emoji; // takes a tenth of a second to compile: not before somebody sends one
const isOnlyEmoji = (text) => PERHAPS_EMOJI.test(text) && (emoji ??= new RegExp('^(?:\\p{RGI_Emoji}\\s?){1,3}$', 'v')).test(text);

/** An element with the text in it. `isMe(user)`: does a mention of this user mean the reader? */
export function markdown(text, isMe = () => false) {
  const root = document.createElement('div');
  root.className = 'text';
  root.dir = 'auto';
  try {
    if (isOnlyEmoji(text)) root.classList.add('emoji-only');
    const tokens = marked.lexer(text);
    if (tokens.length > BLOCKS) throw new RangeError('too many blocks');
    blocks(root, tokens, { isMe, depth: 0 });
  } catch {
    root.replaceChildren(text);
  }
  return root;
}

/** Is this user mentioned in a text? */
export const mentions = (text, user) => [...text.matchAll(MENTION)].some(([, , name]) => name === user);

/** A text as it reads, in one line and without marks. */
export const plain = (text) => [...markdown(text).childNodes].map((block) => block.textContent).join(' ').replace(/\s+/g, ' ').trim();

const element = (parent, name, className) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  parent.append(made);
  return made;
};

function deeper(context) {
  if (context.depth >= DEPTH) throw new RangeError('too deep');
  return { ...context, depth: context.depth + 1 };
}

function blocks(parent, tokens, context) {
  for (const token of tokens) {
    if (token.type === 'space') continue;
    if (token.type === 'code') {
      const box = element(parent, 'pre');
      box.tabIndex = 0; // it scrolls sideways, by keys too
      element(box, 'code').textContent = token.text;
    } else if (token.type === 'blockquote') {
      blocks(element(parent, 'blockquote'), token.tokens, deeper(context));
    } else if (token.type === 'paragraph' || token.type === 'text') {
      inline(element(parent, 'p'), token.tokens ?? [token], context);
    } else {
      words(element(parent, 'p'), token.raw.replace(/\n+$/, ''), context);
    }
  }
}

const MARKS = { strong: 'strong', em: 'em', del: 's' };

function inline(parent, tokens, context) {
  for (const token of tokens) {
    if (MARKS[token.type]) inline(element(parent, MARKS[token.type]), token.tokens, deeper(context));
    else if (token.type === 'codespan') element(parent, 'code').textContent = token.text;
    else if (token.type === 'br') parent.append('\n');
    else if (token.type === 'escape') parent.append(token.text);
    else if (token.type === 'link') link(parent, token, context);
    else if (token.type === 'text' && token.tokens) inline(parent, token.tokens, deeper(context));
    else words(parent, token.raw, context);
  }
}

/** Where a link leads, if it leads to a place of the web. */
function target(href) {
  if (href.length > URL_MOST) return null;
  try {
    const url = new URL(href);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

function link(parent, token, context) {
  const url = target(token.href);
  if (!url) return words(parent, token.raw, context);
  const a = element(parent, 'a');
  a.href = url.href;
  a.target = '_blank';
  a.rel = 'noopener noreferrer nofollow ugc';
  inline(a, token.tokens, deeper({ ...context, inLink: true }));
  if (a.textContent !== url.href) a.title = url.href; // another text does not hide where it leads
}

/** Text, with its mentions marked. */
function words(parent, text, { isMe, inLink }) {
  if (inLink || !text.includes('@')) return void parent.append(text);
  let from = 0;
  for (const found of text.matchAll(MENTION)) {
    const name = found[2].replace(/[.-]+$/, '');
    if (!name) continue;
    const at = found.index + found[1].length;
    parent.append(text.slice(from, at));
    const mention = element(parent, 'span', isMe(name) ? 'mention me' : 'mention');
    mention.textContent = `@${name}`;
    from = at + 1 + name.length;
  }
  parent.append(text.slice(from));
}
