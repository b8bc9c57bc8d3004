// oracle.mjs - judges what was sent, stored and received. It knows the promises of the interface and
// nothing of the server: it shares no code with it, does no I/O, and is fed by those who do.
//
// Log      what Redis holds, or held, of one room: all events in their order, and what of it was trimmed when
// Ledger   what the publishers sent and what they were told of it
// Reader   what one listener was given, in its order, held against the logs of its rooms
//
// A finding is { kind, text }. What a reader was given is judged once the log is known that far, so that the
// log may be read later than the reader had it.

import { isDeepStrictEqual } from 'node:util';

/** The kinds of findings, in the order in which a table shows them. */
export const KINDS = ['lost', 'twice', 'unsent', 'id', 'replay', 'order', 'refused',
  'silent gap', 'duplicate', 'inversion', 'content', 'ghost', 'false gap', 'gap', 'cursor', 'misses'];

const NONE = '0-0';
const number = (a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** Compares two ids, "ms-seq". As texts: a seq may be greater than a number holds. */
export function compare(a, b) {
  if (a === b) return 0;
  const [x, y] = [a.split('-'), b.split('-')];
  return number(x[0], y[0]) || number(x[1], y[1]);
}

const millis = (id) => Number(id.split('-')[0]);

export class Log {
  constructor(room) {
    this.room = room;
    this.ids = [];
    this.events = [];
    this.index = new Map();
    this.samples = [];
  }

  get last() { return this.ids.length > 0 ? this.ids[this.ids.length - 1] : NONE; }

  /** Takes the next event, as the stream has it; `json` is its field. */
  append(id, json) {
    if (compare(id, this.last) <= 0) throw new Error(`${this.room}: ${id} was read from the log after ${this.last}`);
    const event = { id, timestamp: new Date(millis(id)).toISOString(), ...JSON.parse(json) };
    this.index.set(id, this.ids.length);
    this.ids.push(id);
    this.events.push(event);
    return event;
  }

  /** How many events there are up to this id. */
  upTo(id) {
    const at = this.index.get(id);
    if (at !== undefined) return at + 1;
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.ids[middle], id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Redis was asked at the time `t` for the oldest event that it keeps; null = it keeps none. */
  sample(t, oldest) {
    this.samples.push({ t, oldest });
    if (this.samples.length > 2000) this.samples.splice(0, 1000);
  }

  /** Was the event gone by the first sample after `t`? undefined = not known yet. */
  gone(id, t) {
    let found;
    for (let i = this.samples.length - 1; i >= 0 && this.samples[i].t >= t; i--) found = this.samples[i];
    return found && (found.oldest === null || compare(found.oldest, id) > 0);
  }

  /** What differs between this and what Redis holds at the end: [[id, json]...]. */
  differs(held) {
    const first = held.length > 0 ? this.index.get(held[0][0]) : this.ids.length;
    if (first === undefined) return `${this.room}: Redis holds ${held[0][0]}, which it did not hold before`;
    if (held.length > 0 && this.ids.length - first !== held.length) {
      return `${this.room}: Redis holds ${held.length} events from ${held[0][0]} on, where it had ${this.ids.length - first}`;
    }
    for (let i = 0; i < held.length; i++) {
      if (held[i][0] !== this.ids[first + i]) return `${this.room}: Redis holds ${held[i][0]} where it had ${this.ids[first + i]}`;
    }
    return null;
  }
}

export class Ledger {
  constructor(report) {
    this.report = report;
    this.sends = new Map();
    this.lastOf = new Map();
    this.acknowledged = 0;
  }

  /** Something will be sent. `tag` names it, `who` sends it after all that he sent before. */
  send(tag, { room, content, who, ephemeral = false }) {
    this.sends.set(tag, { room, content, who, ephemeral, id: null, stored: null });
  }

  /** The server said that it is stored. */
  acknowledge(tag, id) {
    const send = this.sends.get(tag);
    if (send.ephemeral) {
      if (send.id === null) this.acknowledged++;
      send.id = '';
      return;
    }
    if (send.id !== null && send.id !== id) this.report('replay', `${tag}: acknowledged as ${send.id}, and again as ${id}`);
    if (send.id === null) this.acknowledged++;
    send.id ??= id;
  }

  /** The log of a room has it. */
  stored(room, event) {
    const tag = tagOf(event.content);
    const send = this.sends.get(tag);
    if (send === undefined || send.ephemeral || send.room !== room || send.content !== event.content) {
      this.report('unsent', `${room}: ${event.id} is what nobody sent: ${JSON.stringify(event).slice(0, 200)}`);
      return;
    }
    if (send.stored !== null) {
      this.report('twice', `${room}: ${tag} is stored as ${send.stored} and as ${event.id}`);
      return;
    }
    send.stored = event.id;
    const place = `${send.who} ${room}`;
    const before = this.lastOf.get(place);
    const seq = sequence(tag);
    if (before !== undefined && before.seq > seq) this.report('order', `${room}: ${tag} is stored as ${event.id}, behind ${before.tag}, which was sent after it`);
    else this.lastOf.set(place, { seq, tag });
  }

  /** At the end, when the logs are known to their ends. */
  settle() {
    for (const [tag, send] of this.sends) {
      if (send.id === null || send.ephemeral) continue;
      if (send.stored === null) this.report('lost', `${send.room}: ${tag} was acknowledged as ${send.id} and is not in the log`);
      else if (send.stored !== send.id) this.report('id', `${send.room}: ${tag} was acknowledged as ${send.id} and is stored as ${send.stored}`);
    }
  }
}

/** The tag in front of a content: "who:sequence " and whatever. */
export const tagOf = (content) => String(content).split(' ', 1)[0];
const sequence = (tag) => Number(tag.slice(tag.lastIndexOf(':') + 1));

export class Reader {
  /**
   * `logs`: a Map of the rooms' logs; `rooms`: those that are followed; `wants(event)`: is it one of those that
   * were asked for?
   */
  constructor(name, { logs, rooms, ledger, report, wants = () => true }) {
    Object.assign(this, { name, logs, rooms, ledger, wants });
    this.report = (kind, text) => report(kind, `${name}: ${text}`);
    this.queue = [];
    this.places = new Map();
    this.connection = 0;
    this.delivered = 0;
    this.gaps = 0;
  }

  /**
   * Begins anew, without a cursor. `kind`: latest, all, after (with `id`), time (with `from` and `to`, between
   * which the ms must lie that the server starts at).
   */
  begin(start, t) { this.queue.push({ what: 'begin', start, t }); }

  /** A connection was made, which goes on from where the last one stood. `t`: the wall clock's ms. */
  connect(t) { this.queue.push({ what: 'connect', t }); }

  /** The head of the reply came: what is stored from now on must be given, wherever the start is. */
  head(t) { this.queue.push({ what: 'head', t }); }

  /** An event: { room, event } or, of a text stream, { room, name, content }; `cursor`: as a map, or null. */
  event(item, t) { this.queue.push({ what: 'event', ...item, t }); }

  /** A cursor alone: of a hello, a heartbeat, an answer. A map of room to id. */
  cursor(cursor, t) { this.queue.push({ what: 'cursor', cursor, t }); }

  /** { room, requested, oldest, cursor } */
  gap(gap, t) { this.queue.push({ what: 'gap', ...gap, t }); }

  /** Judges what can be judged; returns how much has to wait. `final`: the logs are known to their ends. */
  settle(final = false) {
    let done = 0;
    while (done < this.queue.length && this.judge(this.queue[done], final)) done++;
    this.queue.splice(0, done);
    return this.queue.length;
  }

  /** At the end: what it has not been given of a room. */
  misses() {
    const found = [];
    for (const room of this.rooms) {
      const log = this.logs.get(room);
      const place = this.places.get(room);
      if (place === undefined || place.id === null) {
        found.push(`${room}: it has no place in it`);
        continue;
      }
      const missing = log.ids.slice(log.upTo(place.id)).filter((id) => this.wants(log.events[log.index.get(id)]));
      if (missing.length > 0) found.push(`${room}: ${missing.length} events after ${place.id}, from ${missing[0]} to ${missing[missing.length - 1]}`);
    }
    return found;
  }

  judge(item, final) {
    switch (item.what) {
      case 'begin': return this.judgeBegin(item);
      case 'connect': return this.judgeConnect();
      case 'head': return this.judgeHead(item);
      case 'event': return item.ephemeral ? this.judgeEphemeral(item) : this.judgeEvent(item, final);
      case 'cursor': return this.judgeCursor(item.cursor, item.t, final);
      default: return this.judgeGap(item, final);
    }
  }

  judgeBegin({ start }) {
    for (const room of this.rooms) {
      const id = start.kind === 'all' ? NONE : start.kind === 'after' ? start.ids[room] ?? null : null;
      this.places.set(room, { id, start, may: start.kind !== 'after', told: null, missing: new Set() });
    }
    this.heard = undefined;
    this.ephemerals = new Set();
    return true;
  }

  /** A cursor that the reader brings back is its own: what is trimmed after it is lost, and must be told. */
  judgeConnect() {
    this.connection++;
    this.ephemerals = new Set();
    for (const place of this.places.values()) {
      if (place.id !== null && place.id !== NONE) place.may = false;
      if (place.told !== null) place.told.again = true;
    }
    return true;
  }

  judgeHead({ t }) {
    this.heard ??= t;
    return true;
  }

  judgeEphemeral({ room, event }) {
    const tag = tagOf(event.content);
    const send = this.ledger.sends.get(tag);
    if (send === undefined || !send.ephemeral || send.room !== room || send.content !== event.content) {
      this.report('ghost', `${room}: an ephemeral event that nobody sent: ${JSON.stringify(event).slice(0, 200)}`);
    } else if (this.ephemerals.has(tag)) {
      this.report('duplicate', `${room}: the ephemeral ${tag} came twice on one connection`);
    }
    this.ephemerals.add(tag);
    return true;
  }

  judgeEvent(item, final) {
    const log = this.logs.get(item.room);
    const place = this.places.get(item.room);
    const id = item.id;
    if (log === undefined || place === undefined) {
      this.report('ghost', `an event of the room ${item.room}, which was not asked for`);
      return true;
    }
    const at = log.index.get(id);
    if (at === undefined) {
      if (!final && compare(id, log.last) > 0) return false;
      this.report('ghost', `${item.room}: ${id} is not in the log`);
      return true;
    }
    if (place.id !== null && compare(id, place.id) <= 0) {
      this.back(item.room, place, id);
      return true;
    }
    if (!this.judgeHole(item.room, log, place, at, item.t, final)) return false;
    this.judgeContent(item, log.events[at]);
    place.id = id;
    place.told = null;
    place.may = false;
    this.delivered++;
    if (item.cursor) this.judgeCursor(item.cursor, item.t, true);
    return true;
  }

  /** An event that should have come before. */
  back(room, place, id) {
    if (place.missing.delete(id)) this.report('inversion', `${room}: ${id} came after ${place.id}`);
    else this.report('duplicate', `${room}: ${id} came again, after ${place.id}`);
  }

  /** What lies between the place and the event `at`: nothing, or what was told to be lost. Returns false to wait. */
  judgeHole(room, log, place, at, t, final) {
    if (place.id === null) return this.judgeFirst(room, log, place, at, t, final);
    const hole = [];
    for (let i = log.upTo(place.id); i < at; i++) if (this.wants(log.events[i])) hole.push(log.ids[i]);
    const { told } = place;
    if (told !== null && told.oldest !== NONE && compare(log.ids[at], told.oldest) < 0) {
      this.report('false gap', `${room}: told that all before ${told.oldest} is lost, and ${log.ids[at]} came`);
    }
    if (hole.length === 0) return true;
    const newest = hole[hole.length - 1];
    if (told !== null && told.oldest !== NONE) {
      const silent = hole.filter((id) => compare(id, told.oldest) >= 0);
      if (silent.length > 0) this.silent(room, place, silent, log.ids[at]);
      return true;
    }
    if (told !== null || place.may) {
      const gone = log.gone(newest, told !== null ? told.t : t);
      if (gone === undefined && !final) return false;
      if (gone !== true) this.silent(room, place, hole, log.ids[at]);
      return true;
    }
    this.silent(room, place, hole, log.ids[at]);
    return true;
  }

  /** Where the reader was not told its start: nothing may be missing that was stored after it was let in. */
  judgeFirst(room, log, place, at, t, final) {
    if (place.start.kind === 'time') return this.judgeFirstByTime(room, log, place, at, t, final);
    const hole = [];
    for (let i = at - 1; i >= 0 && this.heard !== undefined && millis(log.ids[i]) > this.heard; i--) {
      if (this.wants(log.events[i])) hole.unshift(log.ids[i]);
    }
    if (hole.length > 0) this.silent(room, place, hole, log.ids[at]);
    return true;
  }

  judgeFirstByTime(room, log, place, at, t, final) {
    const { from, to } = place.start;
    const latest = `${to - 1}-18446744073709551615`;
    if (compare(log.ids[at], latest) > 0) {
      place.id = latest;
      return this.judgeHole(room, log, place, at, t, final);
    }
    if (millis(log.ids[at]) < from) this.report('cursor', `${room}: began with ${log.ids[at]}, asked for a time from ${from} on`);
    return true;
  }

  silent(room, place, hole, next) {
    for (const id of hole) place.missing.add(id);
    this.report('silent gap', `${room}: ${hole.length} events missing without a word, from ${hole[0]} to ${hole[hole.length - 1]}, before ${next}, after ${place.id}, on connection ${this.connection}`);
  }

  judgeContent(item, expected) {
    if (item.event !== undefined) {
      if (!isDeepStrictEqual(item.event, expected)) this.report('content', `${item.room}: ${JSON.stringify(item.event).slice(0, 300)} instead of ${JSON.stringify(expected).slice(0, 300)}`);
      return;
    }
    const name = expected.name ?? expected.userId ?? 'anonymous';
    if (item.content !== expected.content || item.name !== name) this.report('content', `${item.room}: ${item.name}: ${item.content} instead of ${name}: ${expected.content}`);
  }

  /** A cursor may not pass by what was not given. Returns false to wait. */
  judgeCursor(cursor, t, final) {
    for (const room of this.rooms) {
      const id = cursor[room];
      const place = this.places.get(room);
      if (id === place.id) continue;
      if (id === undefined) {
        this.report('cursor', `${room}: the cursor does not name it: ${JSON.stringify(cursor)}`);
        continue;
      }
      if (place.id === null) {
        this.begun(room, place, id);
        continue;
      }
      if (!final && compare(id, this.logs.get(room).last) > 0) return false;
      this.moved(room, place, id, t);
    }
    return true;
  }

  begun(room, place, id) {
    const { start } = place;
    const log = this.logs.get(room);
    // In a room that is silent since that time it starts at the log's end, which is earlier.
    const early = start.kind === 'time' && millis(id) + 1 < start.from && log.ids.slice(log.upTo(id)).some((one) => millis(one) < start.from);
    if (early || (start.kind === 'time' && millis(id) + 1 > start.to)) {
      this.report('cursor', `${room}: started at ${id}, asked for a time between ${start.from} and ${start.to}`);
    }
    place.id = id;
  }

  moved(room, place, id, t) {
    const log = this.logs.get(room);
    if (compare(id, place.id) < 0) {
      this.report('cursor', `${room}: the cursor goes back from ${place.id} to ${id}`);
      return;
    }
    const passed = log.ids.slice(log.upTo(place.id), log.upTo(id)).filter((one) => this.wants(log.events[log.index.get(one)]));
    const covered = (one) => place.told !== null && (place.told.oldest === NONE ? log.gone(one, place.told.t) !== false : compare(one, place.told.oldest) < 0);
    const silent = passed.filter((one) => !covered(one) && !(place.may && log.gone(one, t) !== false));
    if (silent.length > 0) this.silent(room, place, silent, `the cursor ${id}`);
    place.id = id;
  }

  judgeGap(item, final) {
    const { room, requested, oldest, t } = item;
    const place = this.places.get(room);
    const log = this.logs.get(room);
    if (place === undefined) {
      this.report('gap', `a gap of the room ${room}, which was not asked for`);
      return true;
    }
    const end = oldest === NONE ? log.ids.length : log.upTo(oldest) - 1;
    const begin = log.upTo(requested);
    const newest = end > begin ? log.ids[end - 1] : null;
    // A log that was emptied says so with 0-0: what of it was there at the time only Redis knows.
    const gone = newest === null ? false : oldest === NONE ? log.gone(log.ids[begin], t) : log.gone(newest, t);
    if (!final && (gone === undefined || (oldest !== NONE && compare(oldest, log.last) > 0))) return false;
    this.gaps++;
    if (place.id === null) place.id = requested;
    if (oldest !== NONE && !log.index.has(oldest)) this.report('gap', `${room}: the oldest is told to be ${oldest}, which is not in the log`);
    if (compare(requested, place.id) < 0) this.report('gap', `${room}: requested=${requested}, but it stood at ${place.id}`);
    else if (requested !== place.id) this.moved(room, place, requested, t);
    if (newest === null) this.report('false gap', `${room}: nothing lies between ${requested} and ${oldest}`);
    else if (gone !== true) this.report('false gap', `${room}: ${newest} was still there when it was told to be lost: after ${requested}, before ${oldest}`);
    if (place.told !== null && !place.told.again && oldest !== NONE && place.told.oldest !== NONE && compare(oldest, place.told.oldest) <= 0) {
      this.report('gap', `${room}: told twice, up to ${place.told.oldest} and up to ${oldest}`);
    }
    place.told = { oldest, t, again: false };
    if (item.cursor) this.judgeCursor(item.cursor, t, true);
    return true;
  }
}
