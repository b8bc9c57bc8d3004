// earshot.d.ts - the types of earshot.js. Times are milliseconds since 1970 where they are numbers, RFC 3339 where they are texts.

/** The id of an event: "milliseconds-number". Ids order a room: see compareIds(). */
export type EventId = string;

/** Below 0, 0 or above 0, as `a` comes before, is or follows `b`. */
export function compareIds(a: EventId, b: EventId): number;

/** What the backend refused, or why it could not be asked. */
export class EarshotError extends Error {
  /** Of the answer; 0 where none came. */
  readonly status: number;
  /** The backend's word for it, such as "muted"; "unreachable" where no answer came, "token_unavailable" where the page's function gave no token. */
  readonly code: string;
  /** Seconds after which it may be tried again, where the backend said so. */
  readonly retryAfter: number | null;
  /** The request, as the backend's log names it. */
  readonly request_id?: string;
  /** May the same request succeed later, with nothing changed? */
  readonly passing: boolean;
}

export type Transport = 'fetch' | 'eventsource' | 'poll';

/** A token, or where one comes from. */
export type Token = string | (() => string | null | Promise<string | null>);

export interface EarshotOptions {
  /** Where the API is, seen from the page. "v1" if not given. */
  url?: string;
  /**
   * A token; a function that gives one, asked at first, before one ends and after one was refused; '' where one is to come
   * by guest(), login() or register() and to be kept in memory; null (if not given): the browser has a cookie.
   */
  token?: Token | null;
  /** "auto" if not given: a stream by fetch, or EventSource where a browser cannot; polls where something holds streams back. */
  transport?: Transport | 'auto';
  /** One receive for all tabs of the browser. True if not given. */
  share?: boolean;
  /** Follows all rooms that one has been in, and the inbox, and keeps `rooms`: for a whole chat. False if not given. */
  everything?: boolean;
  /** Types of one's own, which an EventSource is to listen to. Other transports hear all. */
  types?: string[];
  /** In place of the browser's. */
  fetch?: typeof fetch;
  /** Where messages that wait survive a reload: sessionStorage if not given; null: nowhere. */
  storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> | null;
  /** Other times than the usual ones, in ms. */
  times?: Partial<Times>;
}

export interface Times {
  /** For a stream's first word, 5000. */
  hello: number;
  /** Between two signs of life of a stream, 25000; the server gives one every 15 s. */
  silence: number;
  /** For the event of what was sent from here, 3000. */
  doubt: number;
  /** A stream that is cut sooner was not worth opening, 20000. Three such, and polls take over. */
  settle: number;
  /** After which a stream is tried again where polls took over, 120000, doubled each time in vain. */
  again: number;
  /** How long a poll may last, 25000. */
  poll: number;
  /** In which changes of the rooms become one, 20. */
  batch: number;
  /** How often a silent EventSource is looked after, 20000. */
  check: number;
  /** How often a tab asks whether the one that leads lives, 10000; for its answer, 4000; how often that one counts the others, 60000. */
  ping: number;
  patience: number;
  census: number;
}

export interface Me {
  /** null: nobody is signed in. */
  userId: string | null;
  name: string;
  role: 'admin' | 'guest' | null;
  guest: boolean;
  /** When the token ends. */
  expires: string | null;
  /** What one may, by patterns of rooms: r read, w write, m moderate. */
  rooms: Record<string, string>;
}

export interface Connection {
  /** idle: no room is followed. ended: signed out, or not let in; `error` says why, and only signing in helps. */
  state: 'connecting' | 'idle' | 'live' | 'waiting' | 'offline' | 'ended';
  transport: Transport | null;
  /** When it is tried again, while it waits. */
  retryAt: number | null;
  error: EarshotError | null;
}

/** An event as the backend tells it; see docs and openapi.json for the members of each type. */
export interface EarshotEvent {
  /** Not of those that are not kept: join, leave, typing, read, signal, gap. */
  id?: EventId;
  type: string;
  room: string;
  userId?: string;
  name?: string;
  timestamp?: string;
  content?: string;
  metadata?: unknown;
  replyTo?: EventId;
  clientId?: string;
  /** The message that an edit, a delete, a reaction or a read is about. */
  target?: EventId;
  [more: string]: unknown;
}

/** A message as it is now. Frozen: one that changed is another object. */
export interface Message {
  /** The same from the send on, and of no other in its list: for lists of a page. */
  readonly key: string;
  readonly state: 'pending' | 'sent' | 'failed';
  /** Not while it is pending or failed. */
  readonly id?: EventId;
  readonly type: string;
  /** Nothing of one that was deleted. */
  readonly content?: string;
  readonly userId?: string;
  readonly name?: string;
  readonly timestamp: string;
  /** The same as a number. */
  readonly time: number;
  readonly metadata?: unknown;
  readonly replyTo?: EventId;
  readonly edited?: string;
  readonly deleted?: string;
  /** How many, by emoji. */
  readonly reactions: Readonly<Record<string, number>>;
  /** One's own. */
  readonly reacted: readonly string[];
  /** How many replies it has. */
  readonly replies: number;
  /** Why it failed. */
  readonly error?: EarshotError;
}

export interface Person { readonly userId: string; readonly name: string }

export interface RoomState {
  readonly name: string;
  readonly topic: string | null;
  readonly mode: 'open' | 'members' | 'moderated';
  /** One's own there. */
  readonly role: 'owner' | 'moderator' | 'member' | null;
  /** Seconds between two sends of one person; 0: no limit. */
  readonly slow?: number;
  /** One's own read marker; undefined: not known yet. */
  readonly read: EventId | null | undefined;
  /** The newest page has been read, and the room is followed from there. */
  readonly loaded: boolean;
  readonly loading: boolean;
  /** There are older messages. */
  readonly more: boolean;
  /** Why one is not let in, or why the page could not be read: while it passes, it is tried again. */
  readonly error: EarshotError | null;
  /** Oldest first; those that wait at the end. */
  readonly messages: readonly Message[];
  /** Who is here, by name. Of oneself `since` may not be known. */
  readonly people: readonly (Person & { readonly since: string | null })[];
  /** Who else writes. */
  readonly typing: readonly Person[];
}

export interface SendOptions {
  /** "message" if not given; or a type of one's own. */
  type?: string;
  replyTo?: EventId;
  metadata?: unknown;
}

/** Ends what it was given for. */
export type Off = () => void;

export interface Room {
  readonly name: string;
  /** Never changes: after each `change` there is another. */
  readonly state: RoomState;
  readonly joined: boolean;
  /** Follows the room until the function that it gives is called, as often as it is called. */
  join(): Off;
  /** Told once, however much changed in a turn. */
  on(name: 'change', listener: (state: RoomState) => void): Off;
  /** Each event, as it came, once and in order. */
  on(name: 'event', listener: (event: EarshotEvent) => void): Off;
  /** The list began anew, as behind a gap. */
  on(name: 'reload', listener: () => void): Off;
  /** Shows it at once as pending, and gives it. It is tried for five minutes under one key, then or when it is refused it has failed. */
  send(content: string, options?: SendOptions): Message;
  /** Tries one that failed again. */
  retry(key: string): void;
  /** Takes one away that is pending or failed. */
  discard(key: string): void;
  edit(id: EventId, content: string): Promise<EarshotEvent>;
  delete(id: EventId): Promise<EarshotEvent>;
  /** Shown at once; taken back when it is refused. */
  react(id: EventId, emoji: string, on?: boolean): Promise<void>;
  /** Older messages in front; false: there are none. */
  older(): Promise<boolean>;
  /** A message that is in the list. */
  message(id: EventId): Message | undefined;
  thread(id: EventId): Thread;
  /** At each key, and with false when it is given up: told to others as seldom as will do. */
  typing(on?: boolean): void;
  /** Moves one's read marker forward, to the newest message unless one is named. Never rejects. */
  read(id?: EventId): Promise<void>;
}

export interface ThreadState {
  readonly id: EventId;
  readonly parent: Message | null;
  readonly replies: readonly Message[];
  readonly loaded: boolean;
  readonly error: EarshotError | null;
}

export interface Thread {
  readonly id: EventId;
  readonly state: ThreadState;
  on(name: 'change', listener: (state: ThreadState) => void): Off;
  send(content: string, options?: Omit<SendOptions, 'replyTo'>): Message;
  /** It is followed until then. */
  close(): void;
}

export interface DirectoryRoom {
  readonly name: string;
  /** What to call it: of a conversation, whom it is with. */
  readonly title: string;
  readonly topic: string | null;
  /** A conversation of two or more. */
  readonly direct: boolean;
  readonly people: number;
  /** Streams that are open on it. */
  readonly online: number;
  readonly last: EventId | null;
  readonly read: EventId | null;
  readonly unread: number;
  /** One was mentioned in what is unread, since the page was opened. */
  readonly mentioned: boolean;
  /** One has been there, so that what is unread is counted. */
  readonly joined: boolean;
}

export interface Directory {
  readonly all: readonly DirectoryRoom[];
  get(name: string): DirectoryRoom | undefined;
  refresh(): Promise<void>;
  on(name: 'change', listener: (rooms: readonly DirectoryRoom[]) => void): Off;
}

export interface RoomSettings {
  topic?: string;
  mode?: 'open' | 'members' | 'moderated';
  /** Seconds between two sends of one person. */
  slow?: number;
  /** How many events the room keeps, and for how long. */
  keep?: number;
  age?: string | number;
}

export class Earshot {
  constructor(options?: EarshotOptions);
  /** Where the API is, in full. */
  readonly url: string;
  /** Until it is known who one is. Rejects when that is refused. Another promise after somebody else signs in. */
  readonly ready: Promise<void>;
  readonly me: Me | null;
  readonly connection: Connection;
  /** The last active first. Kept where `everything` is on; else as refresh() found it. */
  readonly rooms: readonly DirectoryRoom[];
  readonly directory: Directory;
  /** The names of the rooms that are joined. */
  readonly joined: string[];
  /** The name of one's own inbox. */
  readonly inbox: string | null;

  on(name: 'me', listener: (me: Me) => void): Off;
  on(name: 'connection', listener: (connection: Connection) => void): Off;
  on(name: 'rooms', listener: (rooms: readonly DirectoryRoom[]) => void): Off;
  /** Each event of all rooms that are followed, once and in order of its room. */
  on(name: 'event', listener: (event: EarshotEvent) => void): Off;
  /** A mention, a direct message or a notice. */
  on(name: 'inbox', listener: (event: EarshotEvent) => void): Off;
  /** Somebody else signed in, here or, by cookie, in another tab: rooms must be asked for and joined again. */
  on(name: 'again', listener: (me: Me) => void): Off;

  /** The same one each time, until somebody else signs in. Nothing is asked before its join(). */
  room(name: string): Room;
  /** The conversation with these people. */
  direct(...users: string[]): Room;
  /** Each signs in, and rejects with an EarshotError when it is refused. */
  guest(name?: string): Promise<Me>;
  login(user: string, password: string): Promise<Me>;
  register(user: string, password: string, name?: string): Promise<Me>;
  /** Takes the token back, so that nobody can use it. */
  logout(): Promise<void>;
  /** Makes a room, or changes it. */
  configure(name: string, settings?: RoomSettings): Promise<unknown>;
  /** Tells one person in a room something that is not kept, as to set up a call. */
  signal(room: string, to: string, content: string): Promise<unknown>;
  /** The lists of rooms anew. */
  refresh(): Promise<void>;
  /** Tries at once what waits for its time: the receive, and what is to be sent. */
  wake(): void;
  /** Ends all; the object is of no use after. */
  close(): void;
}
