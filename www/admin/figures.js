// figures.js - what the figures are called, how they are written, and what in them wants attention.

import { html, nothing } from '../vendor/lit-html/lit-html.js';
import { Series, chart } from './chart.js';

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const count = (value) => (value === null || value === undefined ? '–' : number.format(value));
const ms = (value) => (value === null || value === undefined ? '–' : `${number.format(value)} ms`);

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024 || unit === 'GiB') return `${number.format(value)} ${unit}`;
    value /= 1024;
  }
  return '–';
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return days > 0 ? `${days} d ${hours} h` : hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

/** Each tile: its title, its value out of the figures, how that is written, and a line below. */
const TILES = [
  ['Streams', (f) => f.streams.total, count, (f) => ['sse', 'ndjson', 'text', 'html', 'json'].filter((form) => f.streams[form] > 0).map((form) => `${f.streams[form]} ${form}`).join(', ') || 'none is open'],
  ['People', (f) => f.people, count, (f) => (f.rooms === 1 ? 'in one room' : `in ${count(f.rooms)} rooms`)],
  ['Messages a second', (f) => f.messages.perSecond, count, (f) => `${count(f.messages.today)} today`],
  ['Deliveries a second', (f) => f.deliveries.perSecond, count, (f) => `${bytes(f.bytes.perSecond)} a second`],
  ['Canary', (f) => f.canary.ms, ms, (f) => f.canary.reason?.replaceAll('_', ' ') ?? 'from a send to every hub'],
  ['Redis answers after', (f) => f.redis.roundTrip, ms, (f) => `${count(f.redis.opsPerSecond)} commands a second`],
  ['Gates at work', (f) => f.gates.busy, count, (f) => `of ${f.gates.total}, ${f.daemons === 1 ? 'one daemon' : `${f.daemons} daemons`}`],
  ['Memory of Redis', (f) => f.redis.usedMemory, bytes, (f) => (f.redis.maxMemory > 0 ? `of ${bytes(f.redis.maxMemory)}` : 'without a limit')],
];

export class Figures {
  #series = TILES.map(() => new Series());
  now = null;

  take(figures) {
    this.now = figures;
    TILES.forEach(([, value], i) => this.#series[i].add(value(figures)));
  }

  tiles() {
    return html`<ul class="tiles">${TILES.map(([title, value, write, more], i) => html`<li class="tile">
      <h3>${title}</h3><p class="value">${this.now ? write(value(this.now)) : '–'}</p><p class="soft">${this.now ? more(this.now) : ' '}</p>
      ${chart(this.#series[i], `${title}, the last minutes; at most ${write(this.#series[i].most)}`)}</li>`)}</ul>`;
  }

  redis() {
    const r = this.now?.redis;
    if (!r) return nothing;
    const rows = [['Reachable', r.reachable ? 'yes' : 'no'], ['Version', r.version ?? '–'], ['Up for', span(r.uptime)], ['Append-only file', r.aof ?? '–'], ['Keys evicted', count(r.evicted)], ['Connections', count(r.clients)]];
    return html`<dl class="rows">${rows.map(([title, value]) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`)}
      <div><dt>Slow readers cut</dt><dd>${count(this.now.cuts)}</dd></div><div><dt>Gaps told</dt><dd>${count(this.now.gaps)}</dd></div></dl>`;
  }

  /** What somebody should look at, each with what to do. */
  warnings() {
    const f = this.now;
    if (!f) return [];
    const { redis: r, hubs } = f;
    return [
      !r.reachable && 'Redis does not answer: messages cannot be sent. See its log.',
      r.evicted > 0 && `Redis has thrown ${count(r.evicted)} keys away: set maxmemory-policy noeviction, and give it more memory.`,
      r.aof === 'off' && 'Redis keeps nothing on disk: set appendonly yes, else a restart loses the rooms.',
      r.aof === 'failing' && 'Redis cannot write its append-only file: see its log and the disk.',
      r.maxMemory > 0 && r.usedMemory > 0.9 * r.maxMemory && 'Redis is nearly full: give it more memory, or rooms shorter histories.',
      hubs.asked !== null && hubs.answered < hubs.asked && `${hubs.asked - hubs.answered} of ${hubs.asked} hubs do not answer: see earshotd's log on each machine.`,
      f.gates.total > 0 && f.gates.busy >= f.gates.total && 'All gates are at work: requests wait. Set more gates.',
    ].filter(Boolean);
  }
}
