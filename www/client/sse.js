// sse.js - a parser of server-sent events (WHATWG HTML, 9.2.6): feed it text, it calls back.

/** `onEvent({ type, data, id })` for each event, where `id` is the last that the stream gave; `onBeat()` for each line. */
export function sseParser(onEvent, onBeat = () => {}) {
  let rest = '', id = '', type = '', data = [];

  function line(text) {
    onBeat();
    if (text === '') {
      if (data.length > 0) onEvent({ type: type || 'message', data: data.join('\n'), id });
      type = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
  }

  return (text) => {
    rest += text;
    // A carriage return at the very end may be half of an end of line.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
