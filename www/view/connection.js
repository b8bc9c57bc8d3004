// connection.js - the state of the connection, in words.

/** { words, count, kind, retry }: `count`: the end of the words that changes each second; `kind` is good, busy or bad;
 * `retry`: trying again now would help. */
export function connectionWords({ state, transport, retryAt, error }, now = Date.now()) {
  const seconds = Math.max(1, Math.ceil((retryAt - now) / 1000));
  switch (state) {
    case 'live': return transport === 'poll' ? { words: 'Connected by repeated requests', kind: 'good' } : { words: 'Connected', kind: 'good' };
    case 'idle': return { words: 'Ready', kind: 'good' };
    case 'offline': return { words: 'Offline. What you write is sent when the network is back.', kind: 'bad' };
    case 'waiting': return { words: `${error?.status ? error.message : 'The connection was lost'}. Trying again`, count: `in ${seconds} s.`, kind: 'bad', retry: true };
    case 'ended': return { words: error?.status === 401 ? 'You were signed out.' : `Disconnected: ${error?.message ?? 'the server ended it'}.`, kind: 'bad', signIn: true };
    default: return { words: 'Connecting…', kind: 'busy' };
  }
}
