// earshot-react.d.ts - the types of earshot-react.js.

import type { ReactElement, ReactNode } from 'react';
import type { Connection, Earshot, EarshotEvent, EventId, Me, Message, Room, RoomState, SendOptions } from './earshot.js';

/** Gives an Earshot to all components inside. */
export function EarshotProvider(props: { earshot: Earshot; children?: ReactNode }): ReactElement;

/** The Earshot of the provider, or the one that is given. Throws where there is none. */
export function useEarshot(earshot?: Earshot | null): Earshot;
/** Whether what is seen is live. */
export function useConnection(earshot?: Earshot | null): Connection;
/** Who one is, or null while that is not known. */
export function useMe(earshot?: Earshot | null): Me | null;

/** What a room is, and what one does there. The functions stay the same while the room does. */
export interface Chat extends RoomState {
  readonly room: Room;
  /** The same as `people`. */
  readonly presence: RoomState['people'];
  readonly connection: Connection;
  /** The connection's. */
  readonly state: Connection['state'];
  /** Shows it at once as pending, and gives it. */
  send(content: string, options?: SendOptions): Message;
  retry(key: string): void;
  discard(key: string): void;
  edit(id: EventId, content: string): Promise<EarshotEvent>;
  remove(id: EventId): Promise<EarshotEvent>;
  react(id: EventId, emoji: string, on?: boolean): Promise<void>;
  older(): Promise<boolean>;
  /** Moves one's read marker, `read`, forward: to the newest message unless one is named. */
  markRead(id?: EventId): Promise<void>;
  setTyping(on?: boolean): void;
}

/** A room, joined while the component is there, and another when the name is. */
export function useChat(room: string, options?: { earshot?: Earshot }): Chat;
