// usage.tsx - a program that uses all of the library's types. What must be refused is marked so.

import { Earshot, EarshotError, compareIds } from 'earshot';
import type { Connection, EarshotEvent, Me, Message, RoomState, Thread } from 'earshot';
import { EarshotProvider, useChat, useConnection, useEarshot, useMe } from 'earshot/react';

const earshot = new Earshot({
  url: 'v1', token: async () => null, transport: 'auto', share: true, everything: false, types: ['poll'], storage: null, times: { hello: 1000 },
});
new Earshot();
new Earshot({ token: 'x', storage: sessionStorage, fetch: globalThis.fetch });
// @ts-expect-error there is no such transport
new Earshot({ transport: 'websocket' });
// @ts-expect-error nor such a time
new Earshot({ times: { never: 1 } });

export async function use(): Promise<void> {
  await earshot.ready;
  const me: Me | null = earshot.me;
  const { state, retryAt, error }: Connection = earshot.connection;
  if (state === 'waiting') console.log(retryAt! - Date.now(), error?.passing);
  // @ts-expect-error a state that there is not
  if (state === 'open') console.log(me);
  const off = earshot.on('event', (event: EarshotEvent) => console.log(event.id, event.target));
  earshot.on('again', ({ userId }) => console.log(userId?.length));
  earshot.on('rooms', (rooms) => rooms.map(({ name, unread, mentioned }) => [name, unread, mentioned]));
  // @ts-expect-error an event that there is not
  earshot.on('message', () => {});
  off();

  const room = earshot.room('lobby'), leave = room.join();
  room.on('change', ({ messages, people, typing, more, read }: RoomState) => console.log(messages.length, people[0]?.since, typing[0]?.name, more, read));
  room.on('reload', () => {});
  const message: Message = room.send('hello', { type: 'poll', replyTo: '1-0', metadata: { a: 1 } });
  if (message.state === 'failed') room.retry(message.key); else room.discard(message.key);
  // @ts-expect-error a message never changes
  message.content = 'other';
  // @ts-expect-error nor a list of them
  room.state.messages.push(message);
  await room.edit(message.id!, 'x');
  await room.react('1-0', '👍', false);
  const more: boolean = await room.older();
  room.typing();
  await room.read();
  const thread: Thread = room.thread('1-0');
  thread.on('change', ({ parent, replies }) => console.log(parent?.content, replies.length, more));
  thread.send('reply');
  thread.close();
  leave();
  earshot.direct('bob', 'carol').send('hi');
  await earshot.configure('lobby', { topic: 'x', mode: 'members' });
  try {
    const { name }: Me = await earshot.login('a', 'b');
    console.log(name);
  } catch (thrown) {
    if (thrown instanceof EarshotError && thrown.status === 429) console.log(thrown.retryAfter, thrown.code, thrown.request_id);
  }
  console.log(compareIds('1-0', '2-0') < 0, earshot.inbox, earshot.joined.join());
  await earshot.logout();
  earshot.close();
}

function Chat({ name }: { name: string }) {
  const { messages, presence, typing, state, send, setTyping, remove, room } = useChat(name);
  const me = useMe(), { transport } = useConnection(), same: Earshot = useEarshot();
  // @ts-expect-error a name is a text
  useChat(7);
  return <ul onClick={() => { send('x'); setTyping(); remove(messages[0].id!); room.typing(false); same.refresh(); }}>{messages.map((one) => <li key={one.key}>{one.content}{me?.name}{transport}{state}{presence.length}{typing.length}</li>)}</ul>;
}

export const App = () => <EarshotProvider earshot={earshot}><Chat name="lobby" /></EarshotProvider>;
