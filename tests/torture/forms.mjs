// forms.mjs - takes the bytes of a receive apart, by its form: feed it chunks, it calls back with what is whole.
// What a cut leaves half is dropped, as the standards of these forms say.

import { textItem } from '../system/harness.mjs';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor as a map of room to id. */
export function cursorOf(text, rooms, many) {
  if (!many) return { [rooms[0]]: text };
  const cursor = {};
  for (const part of text.split(',')) {
    const colon = part.lastIndexOf(':');
    cursor[part.slice(0, colon)] = part.slice(colon + 1);
  }
  return cursor;
}

class Lines {
  constructor() { this.rest = Buffer.alloc(0); }

  feed(chunk) {
    let data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at;
    while ((at = data.indexOf(0x0a)) >= 0) {
      this.line(data.subarray(0, at));
      data = data.subarray(at + 1);
    }
    this.rest = data;
  }
}

/** WHATWG HTML 9.2.6, as far as it is used: calls take({ id, event, data }); without data it is a cursor alone. */
export class Sse extends Lines {
  constructor(take) {
    super();
    this.take = take;
    this.block = {};
  }

  line(bytes) {
    if (bytes.length === 0) {
      const { id, event, data } = this.block;
      this.block = {};
      if (id !== undefined || data !== undefined) this.take({ id, event, data: data?.join('\n') });
      return;
    }
    const text = utf8.decode(bytes);
    const colon = text.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') (this.block.data ??= []).push(value);
    else this.block[field] = value;
  }
}

export class Ndjson extends Lines {
  constructor(take) { super(); this.take = take; }

  line(bytes) { if (bytes.length > 0) this.take(JSON.parse(utf8.decode(bytes))); }
}

export class Text extends Lines {
  constructor(take, many) { super(); this.take = take; this.many = many; }

  line(bytes) { this.take(textItem(bytes, { withCursor: true, many: this.many })); }
}
