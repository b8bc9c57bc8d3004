// chart.js - figures over the last minutes, and a small line of each.

import { nothing, svg } from '../vendor/lit-html/lit-html.js';

const WIDTH = 200, HEIGHT = 44, POINTS = 150;

/** Numbers as they came, the newest last; null where there was none. */
export class Series {
  #values = [];
  add(value) {
    this.#values.push(value ?? null);
    if (this.#values.length > POINTS) this.#values.shift();
  }

  get values() { return this.#values; }
  get most() { return Math.max(...this.#values.filter((value) => value !== null), 0); }
}

/** A line, of which the newest value is at the right; a null is a gap in it. */
export function chart({ values, most }, label) {
  if (values.length < 2) return nothing;
  const top = most || 1;
  let path = '', pen = 'M';
  for (const [i, value] of values.entries()) {
    if (value === null) { pen = 'M'; continue; }
    const x = WIDTH - (values.length - 1 - i) * (WIDTH / (POINTS - 1)), y = HEIGHT - 2 - (value / top) * (HEIGHT - 4);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return svg`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
    <path d=${`M0 ${HEIGHT - 1}H${WIDTH}`} class="base" /><path d=${path} class="value" /></svg>`;
}
