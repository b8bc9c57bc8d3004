// tour.mjs - reads docs/tour.md: commands behind "$ " in its console blocks, each with what it prints.

/** The steps of a text, in order: { line, command, expected }. A command goes on while its line ends with a backslash. */
export function steps(text) {
  const found = [];
  let inside = false;
  let step = null;
  text.split('\n').forEach((line, index) => {
    if (line.startsWith('```')) {
      inside = line === '```console';
      step = null;
    } else if (inside && line.startsWith('$ ')) {
      step = { line: index + 1, command: line.slice(2), expected: [] };
      found.push(step);
    } else if (inside && step && step.expected.length === 0 && step.command.endsWith('\\')) {
      step.command += `\n${line}`;
    } else if (inside && step) {
      step.expected.push(line);
    }
  });
  return found.map((s) => ({ ...s, expected: s.expected.join('\n') }));
}

/** What differs from run to run, as one word each; so that two runs can be compared. */
export function plain(text) {
  return text.replace(/\r/g, '')
    .replace(/\b\d{13}-\d+\b/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/\b\d{4}-\d\d-\d\d\b/g, 'DAY')
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, 'TOKEN')
    .replace(/"(ticket|csrf|request_?[iI]d)":"[\w.-]+"/g, '"$1":"RANDOM"')
    .replace(/"id":"[\w-]{22}\.\d+"/g, '"id":"RANDOM"')
    .replace(/"bytes":\d+/g, '"bytes":N')
    .replace(/"hub":"[^"]+"/g, '"hub":"HOST:PID"')
    .replace(/guest-[a-z0-9]{10}/g, 'guest-RANDOM')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replace(/retry: \d+/g, 'retry: N')
    .replace(/"listeners":\d+/g, '"listeners":N')
    .trimEnd();
}

/** The text with other outputs in place of those that stand there, a step each. */
export function rewrite(text, outputs) {
  const lines = text.split('\n');
  const all = steps(text);
  for (let i = all.length - 1; i >= 0; i--) {
    const start = all[i].line - 1 + all[i].command.split('\n').length;
    const old = all[i].expected === '' ? 0 : all[i].expected.split('\n').length;
    lines.splice(start, old, ...(outputs[i] === '' ? [] : outputs[i].split('\n')));
  }
  return lines.join('\n');
}
