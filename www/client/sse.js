// sse.js - a parser of server-sent events (WHATWG HTML, 9.2.6): feed it text, it calls back.

/**
 * `event({ type, data, id })` for each event, where `id` is the last that the stream gave; `beat()` for each line, a
 * comment too; `retry(ms)` where the server says when to come again. Gives the function that takes the text.
 */
export function sseParser({ event, beat = () => {}, retry = () => {} }) {
  let rest = '', id = '', type = '', data = [], first = true;

  function field(name, value) {
    if (name === 'data') data.push(value);
    else if (name === 'event') type = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    else if (name === 'retry' && /^\d+$/.test(value)) retry(Number(value));
  }

  function line(text) {
    beat();
    if (text !== '') {
      const colon = text.indexOf(':');
      if (colon < 0) field(text, '');
      else field(text.slice(0, colon), text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1));
      return;
    }
    if (data.length > 0) event({ type: type || 'message', data: data.join('\n'), id });
    type = '';
    data = [];
  }

  return (text) => {
    rest += first && text.startsWith('\ufeff') ? text.slice(1) : text;
    first &&= text === '';
    // A carriage return at the very end may be half of an end of line.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
