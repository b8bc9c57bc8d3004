// earshot-react.js - hooks for React 18 and later: import { EarshotProvider, useChat } from 'earshot/react'. See README.md beside it.

import { createContext, createElement, useCallback, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';

const Context = createContext(null);

/** Gives an Earshot to all components inside: <EarshotProvider earshot={earshot}>. */
export function EarshotProvider({ earshot, children }) {
  return createElement(Context.Provider, { value: earshot }, children);
}

/** The Earshot of the provider, or the one that is given. */
export function useEarshot(given = null) {
  const provided = useContext(Context), earshot = given ?? provided;
  if (!earshot) throw new Error('there is no Earshot: put <EarshotProvider earshot={...}> around, or give the option `earshot`');
  return earshot;
}

/** The snapshot of something that tells of its changes by an event. */
function useTold(from, name, read) {
  const subscribe = useCallback((changed) => from.on(name, changed), [from, name]);
  return useSyncExternalStore(subscribe, read, read);
}

/** { state, transport, retryAt, error }: whether what is seen is live. */
export function useConnection(given) {
  const earshot = useEarshot(given);
  return useTold(earshot, 'connection', () => earshot.connection);
}

/** Who one is, or null while that is not known. */
export function useMe(given) {
  const earshot = useEarshot(given);
  return useTold(earshot, 'me', () => earshot.me);
}

/** The room of that name, of whoever is signed in. */
function useRoom(earshot, name) {
  return useTold(earshot, 'again', () => earshot.room(name));
}

/**
 * A room, joined while the component is there: its state (messages, people, typing, ...), what one does there, and `state`,
 * the connection's. `presence` and `setTyping` are other words for `people` and `typing()`.
 */
export function useChat(name, { earshot: given } = {}) {
  const earshot = useEarshot(given);
  const room = useRoom(earshot, name);
  useEffect(() => room.join(), [room]);
  const about = useTold(room, 'change', () => room.state);
  const connection = useConnection(earshot);
  const acts = useMemo(() => actsOf(room), [room]);
  return useMemo(() => ({ ...about, ...acts, room, presence: about.people, connection, state: connection.state }), [about, acts, room, connection]);
}

const actsOf = (room) => ({
  send: (content, options) => room.send(content, options),
  retry: (key) => room.retry(key),
  discard: (key) => room.discard(key),
  edit: (id, content) => room.edit(id, content),
  remove: (id) => room.delete(id),
  react: (id, emoji, on) => room.react(id, emoji, on),
  older: () => room.older(),
  markRead: (id) => room.read(id),
  setTyping: (on) => room.typing(on),
});
